"""Find the files that already have an up-to-date result in S3.

up_to_date    flags the references that need no work
existing      existing results and their fingerprints, from a listing and shard records
job_outcomes  outcomes that a job's shards recorded
"""
