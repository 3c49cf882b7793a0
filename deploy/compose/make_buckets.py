"""Creates the given buckets unless they exist; the AWS_* variables configure S3.

python make_buckets.py "BUCKET BUCKET ..."
"""

import sys


def make(buckets: list[str]) -> None:
    """Create the buckets that do not exist."""
    if not buckets:
        return
    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in sorted(set(buckets) - existing):
        s3.create_bucket(Bucket=bucket)
        print(f"created s3://{bucket}")


if __name__ == "__main__":
    make(sys.argv[1].split())
