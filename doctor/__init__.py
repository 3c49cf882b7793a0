"""`fleet doctor`: is everything there that a fleet needs, and if not, what is to be done.

finding.py   what one look found
examining.py every look, in order
broker.py    Redis: answers, takes and keeps what it is given, agrees on the time
storage.py   S3: may be read and written
machine.py   devices, threads, folder and port of a worker here
models.py    the models load on each device here, and hear the canary
"""
