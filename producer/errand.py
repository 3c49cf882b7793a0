"""Where one file's things lie: what is uploaded, what the worker reads, where results stay."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from contract.job import check_output
from contract.layout import check_relative, is_s3_uri
from contract.settings import BadConfiguration
from producer.sources.interface import BadSource


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Where one file's things lie."""

    shard: str
    """Name of the message, and of the folders below the scratch prefix: no other has it."""
    name: str
    """Of the outputs."""
    audio: str
    """s3://bucket/key that the worker reads."""
    local: Path | None
    """What is uploaded there first, and deleted from there at the end."""
    output: str
    """Prefix of the outputs."""


def plan(audio: str, scratch: str) -> Errand:
    """Decide where everything lies.

    Raises:
        BadSource: there is no such file.
        BadConfiguration: the scratch prefix is missing, or is none.
    """
    local = None if audio.startswith("s3://") else Path(audio)
    if local is None and (not is_s3_uri(audio) or audio.endswith("/")):
        raise BadSource(f"{audio} is not the address of one object: s3://bucket/key")
    if local and not local.is_file():
        raise BadSource(f"{audio} is neither a file here nor s3://bucket/key")
    prefix = _checked(scratch)
    unique = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(6)}"
    name = _plain(local.name if local else audio.rpartition("/")[2])
    return Errand(
        shard=f"one-{unique}",
        name=name,
        audio=f"{prefix}uploads/{unique}/{name}" if local else audio,
        local=local,
        output=f"{prefix}results/{unique}/",
    )


def _checked(scratch: str) -> str:
    if not scratch:
        raise BadConfiguration(
            "a place for the result is needed: set FLEET_SCRATCH, or give --scratch "
            "s3://bucket/prefix/"
        )
    try:
        return check_output(scratch)
    except ValueError as error:
        raise BadConfiguration(f"--scratch {error}") from None


def _plain(name: str) -> str:
    """The name if it can be one in S3, else one of its suffix."""
    try:
        name.encode()
        return check_relative(name)
    except ValueError:
        return "audio"
