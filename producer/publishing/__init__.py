"""The plan of a job -> messages.

publication.py   the shards of each part, with a cursor behind them
back_pressure.py no more messages than may wait
messages.py      a shard as a message, many with one round trip
"""
