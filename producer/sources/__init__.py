"""Where a backlog comes from; every source yields references, streamed.

interface.py  Source, and the errors of sources
s3_prefix.py  every audio object below s3://bucket/prefix/
manifest.py   .jsonl, local or in S3: one reference per row
folder.py     a local folder, uploaded first
"""

from pathlib import Path

from contract.job import check_output
from contract.store import ObjectStore
from producer.sources.folder import LocalFolder
from producer.sources.interface import BadSource, Source
from producer.sources.manifest import JsonlManifest
from producer.sources.s3_prefix import S3Prefix

__all__ = ["BadSource", "Source", "open_source"]


def open_source(text: str, store: ObjectStore, upload: str | None) -> Source:
    """The source that an argument of `fleet enqueue` means.

    Args:
        text: s3://bucket/prefix/, an address or path of a .jsonl, or a local folder.
        store: where s3:// addresses are.
        upload: prefix in S3 that a local folder is uploaded to.

    Raises:
        BadSource: saying what is accepted.
    """
    if text.endswith(".jsonl"):
        return JsonlManifest(text, store)
    if text.startswith("s3://"):
        return S3Prefix(text, store)
    if Path(text).is_dir():
        if upload is None:
            raise BadSource(f"{text} is a local folder: add --upload s3://bucket/prefix/")
        return LocalFolder(Path(text), _checked(upload), store)
    raise BadSource(
        f"{text} is neither s3://bucket/prefix/, nor a .jsonl manifest, nor a local folder"
    )


def _checked(upload: str) -> str:
    try:
        return check_output(upload)
    except ValueError as error:
        raise BadSource(f"--upload {error}") from None
