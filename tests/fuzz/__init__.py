"""Fuzz tests with generated inputs from a seed; run with `python -m tests.fuzz`.

changing_json.py    mutates valid shards
changing_bytes.py   mutates real audio files
shard_parser.py     the parser raises only MalformedShard
decoder.py          the decoder raises only FileFailure and never ends its process
lane.py             one process of inputs
supervising.py      starts lanes, and reports inputs that end or block them
tally.py            findings, and the limits of time and memory
"""
