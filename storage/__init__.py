"""The object store.

base           the ObjectStore protocol and its errors
s3             the ObjectStore on S3
etags          the ETag in an answer of S3, and the MD5 that it may state
s3_errors      errors of S3 and botocore -> errors of base
job_documents  reads the rows of a job's plan, and the records of its shards
map_ahead      calls a function in threads, a limited number of items ahead
"""
