"""The addresses of a single-file request: the upload, the worker's input and the output prefix."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from funasr_fleet.contract.layout import check_output, check_relative, is_s3_uri
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.settings import BadConfiguration


@dataclass(frozen=True, kw_only=True)
class SingleFileRequest:
    """The names and addresses of one `fleet transcribe` call."""

    shard: str
    """Name of the shard and its message; unique."""
    name: str
    """Name of the outputs below the output prefix."""
    audio: str
    """s3://bucket/key that the worker reads."""
    local: Path | None
    """Local file to upload to `audio`; the upload is deleted at the end. None for audio in S3."""
    output: str
    """Output prefix."""


def plan(audio: str, scratch: str) -> SingleFileRequest:
    """Choose unique addresses below the scratch prefix.

    Raises:
        BadSource: there is no such file.
        BadConfiguration: the scratch prefix is missing or invalid.
    """
    local = None if audio.startswith("s3://") else Path(audio)
    if local is None and (not is_s3_uri(audio) or audio.endswith("/")):
        raise BadSource(f"{audio} is not the address of one object: s3://bucket/key")
    if local and not local.is_file():
        raise BadSource(f"{audio} is neither a local file nor s3://bucket/key")
    unique = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(6)}"
    output = _checked(scratch, f"results/{unique}/")
    name = _plain(local.name if local else audio.rpartition("/")[2])
    return SingleFileRequest(
        shard=f"one-{unique}",
        name=name,
        audio=f"{scratch}uploads/{unique}/{name}" if local else audio,
        local=local,
        output=output,
    )


def _checked(scratch: str, folder: str) -> str:
    """The address of the folder below the scratch prefix. Raises BadConfiguration."""
    if not scratch:
        raise BadConfiguration(
            "no scratch prefix for the result: set FLEET_SCRATCH, or pass one such as s3://bucket/prefix/"
        )
    try:
        return check_output(check_output(scratch) + folder)
    except ValueError as error:
        raise BadConfiguration(f"scratch {scratch} {error}") from None


def _plain(name: str) -> str:
    """The name if it is valid in S3 and as an output name, else "audio"."""
    try:
        name.encode()
        return check_relative(name)
    except ValueError:
        return "audio"
