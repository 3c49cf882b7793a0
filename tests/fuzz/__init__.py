"""Fuzz tests with generated inputs from a seed; run with `python -m tests.fuzz`.

All inputs take 25 to 45 minutes on two cores; 40,000 heads and 20,000 messages are most of it.
`--shards 0 --rows 0 --files 0 --messages 0 --heads 100000` runs more of the heads.

changing_json.py    mutates valid shards
changing_rows.py    mutates manifests of every format
changing_bytes.py   mutates real audio files
changing_heads.py   hostile headers of many containers
shard_parser.py     the parser raises only MalformedShard
manifests.py        every row gives a file that workers accept, or an invalid row with its line
changing_messages.py changed shards in changed envelopes, and elements that are no messages
messages.py         a real worker does every valid message among fuzzed ones
decoder.py          a decoder process returns one outcome for every input, and never ends
lane.py             runs a range of inputs in one process
supervising.py      starts lanes, and reports inputs that end or block them
tally.py            findings, and the limits of time and memory
"""
