"""Inputs by the hundred thousand, made from a seed; `python -m tests.fuzz` runs them.

changing_json.py    valid shards -> documents that nearly are some
changing_bytes.py   real audio files -> files that nearly are some
shard_parser.py     no document makes the parser raise anything but MalformedShard
decoder.py          no file makes the decoder raise anything but a FileFailure, or end its process
lane.py             one process of inputs
supervising.py      starts lanes, and tells inputs that end or hang them
tally.py            what was found, and the limits of time and memory
"""
