"""`fleet doctor`: checks everything that a fleet needs, with advice for each problem.

finding  the result of one check
checks   all checks, in order
broker   Redis: reachable, writable, persistent, its clock
storage  S3: readable and writable
machine  devices, threads, run directory and port of a worker on this machine
models   the models load on each device and transcribe the canary
"""
