"""The sources of a backlog. Each source streams references and can be resumed at a position.

interface         the Source protocol, its items, filters and errors
s3_prefix         the audio objects below s3://bucket/prefix/
ignored           PURE: counts ignored objects and files by suffix
parallel_listing  lists a prefix in key order with several threads
manifest          a manifest, local, in S3 or from standard input: its lines and references
manifest_formats  PURE: parses a line of each manifest format
rows              PURE: the fields of a row -> a reference
folder            a local folder, which is walked in S3 key order and uploaded first
"""

import os
from pathlib import Path

from funasr_fleet.contract.layout import check_output
from funasr_fleet.producer.discovery.folder import LocalFolder
from funasr_fleet.producer.discovery.interface import (
    EVERYTHING,
    BadRow,
    BadSource,
    Filters,
    Found,
    Source,
)
from funasr_fleet.producer.discovery.manifest import Manifest
from funasr_fleet.producer.discovery.manifest_formats import SUFFIXES, format_of
from funasr_fleet.producer.discovery.s3_prefix import S3Prefix
from funasr_fleet.settings import Settings, listed_hosts
from funasr_fleet.storage.base import ObjectStore

__all__ = ["BadRow", "BadSource", "Filters", "Found", "Source", "open_source"]

_ACCEPTED = f"""an existing folder (with an upload prefix), s3://bucket/prefix/, a manifest in S3 \
or local ({", ".join(SUFFIXES)}, each also with .gz), or - for standard input"""


def open_source(
    text: str, store: ObjectStore, upload: str | None, wanted: Filters = EVERYTHING
) -> Source:
    """The source for an argument of `fleet enqueue`.

    Args:
        text: a folder, s3://bucket/prefix/, an address or path of a manifest, or -.
        store: storage for s3:// addresses.
        upload: prefix in S3 that a local folder is uploaded to.
        wanted: filters; default: everything that looks like audio.

    Raises:
        BadSource: the argument is not valid; the message lists the accepted forms.
    """
    if os.path.isdir(text):  # Path.is_dir raises if a name is too long
        if upload is None:
            raise BadSource(
                f"{text} is a local folder: pass an upload prefix such as s3://bucket/prefix/"
            )
        return LocalFolder(Path(text), _checked(upload), store, wanted)
    if format_of(text) is not None:
        if wanted.of_listings:
            raise BadSource(
                f"{text} is a manifest: every row is taken, and suffix and time filters apply only "
                "to prefixes and folders"
            )
        return Manifest(text, store, listed_hosts(Settings.load().allowed_http_hosts))
    if text.startswith("s3://"):
        return S3Prefix(text, store, wanted)
    raise BadSource(f"{text} is not a valid source; accepted are {_ACCEPTED}")


def _checked(upload: str) -> str:
    try:
        return check_output(upload)
    except ValueError as error:
        raise BadSource(f"upload {upload} {error}") from None
