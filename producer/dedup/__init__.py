"""Find the files that already have an up-to-date result in S3.

up_to_date  decides which references need no work; worker/pipeline/fetch decides again per file
existing    the results below an output prefix: listed, with fingerprints from shard records
"""
