"""Where a backlog comes from; every source yields references, streamed, and can be resumed.

interface.py         Source, what it yields, and the errors of sources
filters.py           which part of a source is wanted
s3_prefix.py         every audio object below s3://bucket/prefix/
parallel_listing.py  a listing in order of key by several threads
manifest.py          a manifest, local, in S3 or from stdin: one reference per line
forms.py             PURE: how a line of each form of manifest is read
rows.py              PURE: the fields of a row as a reference
lines.py             numbered lines of any file, packed or not, damaged or not
folder.py            a local folder, uploaded first
walking.py           the files of a folder in order of name
"""

import os
from pathlib import Path

from contract.job import check_output
from contract.settings import Settings, listed_hosts
from contract.store import ObjectStore
from producer.sources.filters import EVERYTHING, Filters
from producer.sources.folder import LocalFolder
from producer.sources.forms import SUFFIXES, form_of
from producer.sources.interface import BadRow, BadSource, Found, Source
from producer.sources.manifest import Manifest
from producer.sources.s3_prefix import S3Prefix

__all__ = ["BadRow", "BadSource", "Filters", "Found", "Source", "open_source"]

_ACCEPTED = f"""an existing folder (with --upload), s3://bucket/prefix/, a manifest in S3 or local \
({", ".join(SUFFIXES)}, each also with .gz), or - for standard input"""


def open_source(
    text: str, store: ObjectStore, upload: str | None, wanted: Filters = EVERYTHING
) -> Source:
    """The source that an argument of `fleet enqueue` means.

    Args:
        text: a folder, s3://bucket/prefix/, an address or path of a manifest, or -.
        store: where s3:// addresses are.
        upload: prefix in S3 that a local folder is uploaded to.
        wanted: which part of it; all that looks like audio by default.

    Raises:
        BadSource: saying what is accepted.
    """
    if os.path.isdir(text):  # a Path raises where a name is too long for a file's
        if upload is None:
            raise BadSource(f"{text} is a local folder: add --upload s3://bucket/prefix/")
        return LocalFolder(Path(text), _checked(upload), store, wanted)
    if form_of(text) is not None:
        if wanted.of_listings:
            raise BadSource(
                f"{text} is a manifest, of which every row is taken: suffixes and a time choose "
                "among what a prefix or a folder holds"
            )
        return Manifest(text, store, listed_hosts(Settings.load().allowed_http_hosts))
    if text.startswith("s3://"):
        return S3Prefix(text, store, wanted)
    raise BadSource(f"{text} is nothing to be read; accepted are {_ACCEPTED}")


def _checked(upload: str) -> str:
    try:
        return check_output(upload)
    except ValueError as error:
        raise BadSource(f"--upload {error}") from None
