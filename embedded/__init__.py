"""The development stack on one machine: Valkey, S3, a worker. `make run` and the tests use it.

guard      runs a command and stops it when its owner process exits or is killed
process    starts a guarded command in an environment of its own, waits until it is ready, stops it
data_lock  the lock of a data folder: one stack per folder
stack      Valkey and an S3 server with generated credentials, and the environment to use them
services   one `fleet worker`, one `fleet exporter`
demo       transcribes the samples: the job of `fleet demo`
samples/   audio with known transcripts, and references.json
"""
