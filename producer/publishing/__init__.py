"""The plan of a job -> messages.

publication  publishes the shards of each part with back-pressure, and saves a cursor
messages     encodes shards as messages and sends many per round trip
"""
