"""The object store.

base           the ObjectStore protocol, its errors, and an in-memory implementation
s3             the ObjectStore on S3
s3_errors      errors of S3 and botocore -> errors of base
plan_rows      reads the rows of a job's plan
shard_records  reads the rows that workers write at the end of each shard
"""
