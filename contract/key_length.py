"""The maximum length of an output name, which depends on its output prefix."""

from funasr_fleet.contract.layout import split_uri

_MAX_BYTES = 1024 - len(".ch65535.aws-transcribe.json")
"""S3 permits 1,024 bytes; the longest suffix follows the name."""


def fits_in_key(output: str, relative: str) -> bool:
    """Whether S3 permits the keys of the outputs with this name.

    Args:
        output: s3://bucket/prefix/.
        relative: name of the outputs.
    """
    return len(split_uri(output)[1].encode()) + len(relative.encode()) <= _MAX_BYTES
