"""Makes the buckets that it is given, unless they are there; S3 is found by the AWS_* variables.

python make_buckets.py "BUCKET BUCKET ..."
"""

import sys


def make(buckets: list[str]) -> None:
    """Make those that are missing."""
    if not buckets:
        return
    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in sorted(set(buckets) - there):
        s3.create_bucket(Bucket=bucket)
        print(f"made s3://{bucket}")


if __name__ == "__main__":
    make(sys.argv[1].split())
