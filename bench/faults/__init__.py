"""Fault injection, for the chaos tests and the recovery benchmark.

storage.py   an S3 proxy that fails, resets connections, or is slow
wire.py      a TCP proxy for the broker that can be cut or frozen
broker.py    a Valkey that can be killed and restarted with its data
killing.py   sends signals to the processes of a worker
telling.py   reads shard events from a worker's log
evidence.py  the state of a finished job in S3 and Redis, as values
gathering.py reads that state
audit.py     PURE: checks that every file ended once and was counted once
"""
