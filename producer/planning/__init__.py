"""What is to be done, decided once and kept in S3: references -> windows -> shards.

request.py    what a job was asked for, as job.json
job_plan.py   gives out the parts of a job: those planned before, then what is new
fresh.py      what the sources hold behind all that is planned
beside.py     the same, found in another process
windows.py    a stream of references, cut into windows and numbered
parts.py      a window in S3, written before any of it is published
naming.py     no two files written to one place
seen.py       a set, or a small map, of hashes in constant memory
hash_file.py  its table on disk
estimating.py PURE: how much audio a reference is worth, by what is known without opening it
packing.py    PURE: the files of a window -> shards, the longest first
"""
