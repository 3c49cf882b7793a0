"""Fuzz tests with generated inputs from a seed; run with `python -m tests.fuzz`.

Shards and files take about ten minutes on two cores; the time of the heads is not measured yet.

changing_json.py    mutates valid shards
changing_bytes.py   mutates real audio files
changing_heads.py   hostile headers of many containers
shard_parser.py     the parser raises only MalformedShard
decoder.py          a decoder process returns one outcome for every input, and never ends
lane.py             runs a range of inputs in one process
supervising.py      starts lanes, and reports inputs that end or block them
tally.py            findings, and the limits of time and memory
"""
