"""Where things lie: audio reference -> keys of its outputs, and what makes a result current."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contract.job import AudioRef, Options

MAX_KEY_BYTES = 900
"""Room for prefix and suffix within S3's limit of 1,024 bytes for a key."""


def is_s3_uri(uri: Any) -> bool:
    """Whether the value is text of the form s3://bucket/key with neither part empty."""
    if not isinstance(uri, str) or not uri.startswith("s3://"):
        return False
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bool(bucket and key) and "\0" not in uri


def split_uri(uri: str) -> tuple[str, str]:
    """s3://bucket/key -> (bucket, key); the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def key_of(uri: str) -> str:
    """The key of an s3:// address, without the slashes that some keys begin with."""
    return split_uri(uri)[1].lstrip("/")


def check_relative(relative: str) -> str:
    """Return the name unchanged if it stays below any prefix.

    Raises:
        ValueError: naming what is wrong with it.
    """
    if not relative or relative.startswith("/"):
        raise ValueError("must be a relative name such as calls/a.mp3")
    if "\\" in relative or any(ord(c) < 32 or ord(c) == 127 for c in relative):
        raise ValueError("must not hold backslashes or control characters")
    if any(part in (".", "..") for part in relative.split("/")):
        raise ValueError("must not hold '.' or '..' as a part")
    if len(relative.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise ValueError(f"must be at most {MAX_KEY_BYTES} bytes long")
    return relative


def output_uri(output: str, relative: str, extension: str) -> str:
    """The object that holds one format of one file's result: <output><relative>.<extension>."""
    return f"{output}{relative}.{extension}"


def error_uri(output: str, relative: str) -> str:
    """The object that says why a file failed for good."""
    return output_uri(output, relative, "error.json")


def fingerprint(ref: "AudioRef", etag: str, model_revision: str, options: "Options") -> str:
    """What a result depends on, as sha256:<hex>: audio, stretch, model and options.

    A file whose output holds the same fingerprint need not be transcribed again.
    """
    parts = {
        "audio": ref.audio,
        "etag": etag,
        "stretch": [ref.start_ms, ref.end_ms, ref.channel],
        "model": model_revision,
        "options": options.model_dump(mode="json"),
    }
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
