"""PURE: valid names of jobs.

The name is part of keys in Redis and in S3. With a colon, one job's key could collide with a part
of another job's keys.
"""

import re

_JOB_NAME = re.compile(r"[A-Za-z0-9._-]{1,150}")


class BadJobName(ValueError):
    """The job name is invalid: use letters, digits, '.', '_' and '-'."""


def check_job_name(name: str) -> str:
    """Return the name unchanged.

    Raises:
        BadJobName: it is not a job name.
    """
    if not _JOB_NAME.fullmatch(name):
        shown = ascii(name[:50])
        raise BadJobName(
            f"{shown} is not a job name: use 1 to 150 letters (A-Z, a-z), digits, '.', '_' or '-'"
        )
    return name
