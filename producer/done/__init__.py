"""What has been done already, by the evidence of S3.

skipping.py     which references need no work
evidence.py     which results are there, and which need not be read to know what they carry
job_outcomes.py what a job's shards said at their ends
"""
