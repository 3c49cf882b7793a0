"""What goes wrong in the field, made to happen here; for the tests that kill things, and a bench.

storage.py   an S3 that fails, resets connections, or is slow
wire.py      a line to the broker that is cut, or holds its bytes back
broker.py    a Valkey that is killed, and comes back with its data
killing.py   the processes of a worker, and signals to them
telling.py   what a worker's log tells of its shards
evidence.py  what a job left behind, in S3 and in Redis
gathering.py reads it
audit.py     PURE: whether every file ended once and was counted once
"""
