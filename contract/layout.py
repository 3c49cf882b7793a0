"""Where things lie: audio reference -> keys of its outputs, and what makes a result current."""

import hashlib
import json
import re
import unicodedata
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from contract.job import AudioRef, Options

MAX_KEY_BYTES = 900
"""Room for prefix and suffix within S3's limit of 1,024 bytes for a key."""

JOBS_FOLDER = "_jobs/"
"""Below an output prefix: what is kept of its jobs, in a folder each."""
_JOBS = JOBS_FOLDER.rstrip("/")


_NEVER_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls, C1 too
    "\ud800-\udfff"  # halves of surrogate pairs: no UTF-8 can hold them
    "\u2028\u2029"  # ends of lines and paragraphs
    "\u202a-\u202e\u2066-\u2069]"  # these turn the order round in which a name is shown
)
_HALF = re.compile("[\ud800-\udfff]")
_LIKE_DOTS = re.compile(
    "[\u2024-\u2026\u2100\u2101\u2105\u2106\u2488-\u249b\u33c2\u33c7\u33d8"
    "\ufe19\ufe30\ufe52\uff0e\uff0f\U0001f100]"
)
"""Every character in whose NFKC form a dot or a slash appears (Unicode 14 to 16)."""
_LIKE_UNDERSCORES = re.compile("[\ufe33\ufe34\ufe4d-\ufe4f\uff3f]")
"""Every character whose NFKC form contains an underscore."""


def is_s3_uri(uri: Any) -> bool:
    """Whether the value is sound text of the form s3://bucket/key with neither part empty."""
    if not isinstance(uri, str) or not uri.startswith("s3://"):
        return False
    slash = uri.find("/", len("s3://"))
    return len("s3://") < slash < len(uri) - 1 and "\0" not in uri and is_whole(uri)


def is_whole(text: str) -> bool:
    """Whether the text has a UTF-8 form: half of a surrogate pair has none."""
    return text.isascii() or not _HALF.search(text)


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
    if _is_plain(relative):
        return relative
    if not relative or relative.startswith("/"):
        raise ValueError("must be a relative name such as calls/a.mp3")
    if "\\" in relative or _NEVER_SHOWN.search(relative):
        raise ValueError("must not hold backslashes or control characters, nor broken Unicode")
    if len(relative.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise ValueError(f"must be at most {MAX_KEY_BYTES} bytes long")
    # some file systems and gateways compare names in this form
    for name in (relative, unicodedata.normalize("NFKC", relative)):
        if any(part in (".", "..") for part in name.split("/")):
            raise ValueError("must not hold '.' or '..' as a part, in whatever characters")
        if names_jobs_folder(name) or name.lower().endswith(_ERROR):
            raise ValueError(f"must neither have {_JOBS} as a part nor end with {_ERROR}")
    return relative


def names_jobs_folder(path: str) -> bool:
    """Whether a part of it is, or may be taken for, the folder in which documents of jobs lie."""
    plain = (path if path.isascii() else unicodedata.normalize("NFKC", path)).lower()
    return _JOBS in plain and _JOBS in plain.split("/")


_ERROR = ".error"
"""The result of such a name would lie where the error of another file does."""


def _is_plain(relative: str) -> bool:
    """Whether the name is beyond doubt safe, as nearly all are: ten million are checked."""
    return (
        relative[:1] not in {"", "/", "."}
        and "/." not in relative
        and "\\" not in relative
        and relative.isprintable()
        and relative[0] != "_"
        and "/_" not in relative
        and relative[-6:].lower() != _ERROR
        and (
            len(relative) <= MAX_KEY_BYTES
            if relative.isascii()
            else len(relative) <= MAX_KEY_BYTES // 4
            and not _LIKE_DOTS.search(relative)
            and not _LIKE_UNDERSCORES.search(relative)
        )
    )


def output_uri(output: str, relative: str, extension: str) -> str:
    """The object that holds one format of one file's result: <output><relative>.<extension>."""
    return f"{output}{relative}.{extension}"


def error_uri(output: str, relative: str) -> str:
    """The object that says why a file failed for good."""
    return output_uri(output, relative, "error.json")


def job_uri(output: str, job: str, name: str) -> str:
    """What is kept of a job under a name: <output>_jobs/<job>/<name>."""
    return f"{output}{JOBS_FOLDER}{_as_part(job)}/{name}"


def shard_record_uri(output: str, job: str, shard: str) -> str:
    """The rows of contract.shard_record of one shard."""
    return job_uri(output, job, f"shards/{_as_part(shard)}.jsonl")


def failed_record_uri(output: str, job: str, shard: str) -> str:
    """Those of them that failed; there only if some did."""
    return job_uri(output, job, f"failed/{_as_part(shard)}.jsonl")


def part_uri(output: str, job: str, number: int) -> str:
    """The planned files of one window of the job."""
    return job_uri(output, job, f"files/{number:06d}.jsonl.gz")


def _as_part(name: str) -> str:
    """The name as one part of a key; our own names stay as they are, another client's may not."""
    quoted = quote(name, safe="", errors="surrogatepass")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def fingerprint(ref: "AudioRef", etag: str, model_revision: str, options: "Options") -> str:
    """What a result depends on, as sha256:<hex>: audio, stretch, model and options.

    A file whose output holds the same fingerprint need not be transcribed again. The hash is of
    canonical JSON (sorted keys, no spaces, ASCII), written here by hand: a producer makes millions.
    """
    stretch = ",".join(
        "null" if part is None else str(part) for part in (ref.start_ms, ref.end_ms, ref.channel)
    )
    canonical = (
        f'{{"audio":{_quoted(ref.audio)},"etag":{_quoted(etag)},"model":{_quoted(model_revision)},'
        f'"options":{_canonical_options(options)},"stretch":[{stretch}]}}'
    )
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


_FIRST_OPTIONS = {"formats", "language", "hotwords", "timestamps", "speakers", "channels"}
"""Always in the fingerprint, so that results of the first release stay current."""


@lru_cache(maxsize=256)
def _canonical_options(options: "Options") -> str:
    """A job has few different ones; one added later counts only where it is used."""
    document = options.model_dump(mode="json")
    for name in document.keys() - _FIRST_OPTIONS:
        if document[name] == type(options).model_fields[name].default:
            del document[name]
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
