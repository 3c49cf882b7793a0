"""The plan of a job -> messages.

publication.py   publishes the shards of each part and saves a cursor
back_pressure.py bounds the number of ready messages
messages.py      encodes shards as messages and sends many per round trip
"""
