"""Keys of outputs and job documents in S3, valid names in them, and the fingerprint of a result."""

import hashlib
import json
import re
import unicodedata
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from funasr_fleet.contract.shown_text import NEVER_SHOWN

if TYPE_CHECKING:
    from funasr_fleet.contract.job import AudioRef, Options

MAX_KEY_BYTES = 900
"""Leaves room for prefix and suffix within S3's limit of 1,024 bytes for a key."""
MAX_PREFIX_BYTES = 650
"""The names of a job's documents have up to 370 bytes: they contain those of job and shard."""

JOBS_FOLDER = "_jobs/"
"""Folder below an output prefix that contains a folder per job."""
_JOBS = JOBS_FOLDER.rstrip("/")

_HALF = re.compile("[\ud800-\udfff]")
_LIKE_DOTS = re.compile(
    "[\u2024-\u2026\u2100\u2101\u2105\u2106\u2488-\u249b\u33c2\u33c7\u33d8"
    "\ufe19\ufe30\ufe52\uff0e\uff0f\U0001f100]"
)
"""Every character whose NFKC form contains a dot or a slash (Unicode 14 to 16)."""
_LIKE_UNDERSCORES = re.compile("[\ufe33\ufe34\ufe4d-\ufe4f\uff3f]")
"""Every character whose NFKC form contains an underscore."""


def is_s3_uri(uri: Any) -> bool:
    """Whether the value is valid text of the form s3://bucket/key with neither part empty."""
    if not isinstance(uri, str) or not uri.startswith("s3://"):
        return False
    slash = uri.find("/", len("s3://"))
    return len("s3://") < slash < len(uri) - 1 and "\0" not in uri and is_whole(uri)


def is_whole(text: str) -> bool:
    """Whether the text can be encoded in UTF-8, that is, without lone surrogates."""
    return text.isascii() or not _HALF.search(text)


def split_uri(uri: str) -> tuple[str, str]:
    """s3://bucket/key -> (bucket, key); the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def key_of(uri: str) -> str:
    """The key of an s3:// address, without leading slashes."""
    return split_uri(uri)[1].lstrip("/")


def check_relative(relative: str) -> str:
    """Check that an output name stays below any output prefix, and return it unchanged.

    Raises:
        ValueError: the name is not allowed; the message says why.
    """
    if _is_plain(relative):
        return relative
    if not relative or relative.startswith("/"):
        raise ValueError("must be a relative name such as calls/a.mp3")
    if "\\" in relative or NEVER_SHOWN.search(relative):
        raise ValueError("must not contain backslashes, control characters or unsafe Unicode")
    if len(relative.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise ValueError(f"must be at most {MAX_KEY_BYTES} bytes long")
    # some file systems and gateways compare names in this form
    for name in (relative, unicodedata.normalize("NFKC", relative)):
        if _has_dots(name):
            raise ValueError(_NO_DOTS)
        if names_jobs_folder(name):
            raise ValueError(f"must not contain the path component {_JOBS}")
        if _is_derived(name):
            raise ValueError(
                f"must not end with {', '.join(_DERIVED)} or .ch and a number: another file's "
                "outputs may have this name"
            )
    return relative


_NO_DOTS = "must not contain the path component '.' or '..', in any Unicode form"


def _has_dots(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))


def names_jobs_folder(path: str) -> bool:
    """Whether a path component is `_jobs`, ignoring case and Unicode compatibility forms."""
    plain = (path if path.isascii() else unicodedata.normalize("NFKC", path)).lower()
    return _JOBS in plain and _JOBS in plain.split("/")


_DERIVED = (".error", ".openai-verbose", ".whisper", ".aws-transcribe")
_CHANNEL = re.compile(r"\.ch[0-9]+")
"""With such a suffix, an output could have the key of another file's report, format or channel."""


def _is_derived(relative: str) -> bool:
    suffix = relative[relative.rfind(".") :].lower() if "." in relative else ""
    return suffix in _DERIVED or bool(_CHANNEL.fullmatch(suffix))


def _is_plain(relative: str) -> bool:
    """Fast check that accepts nearly all valid names: a job has up to ten million."""
    return (
        relative[:1] not in {"", "/", "."}
        and "/." not in relative
        and "\\" not in relative
        and relative.isprintable()
        and relative[0] != "_"
        and "/_" not in relative
        and relative[relative.rfind(".") + 1 :].isascii()
        and not _is_derived(relative)
        and (
            len(relative) <= MAX_KEY_BYTES
            if relative.isascii()
            else len(relative) <= MAX_KEY_BYTES // 4
            and not _LIKE_DOTS.search(relative)
            and not _LIKE_UNDERSCORES.search(relative)
        )
    )


_JOB_NAME = re.compile(r"[A-Za-z0-9._-]{1,150}")
"""The name is a part of keys in S3, and of keys in Redis, where a colon separates the parts."""


class BadJobName(ValueError):
    """The job name is invalid: use letters, digits, '.', '_' and '-'."""


def check_job_name(name: str) -> str:
    """Check a job name, and return it unchanged.

    Raises:
        BadJobName: it is not a job name.
    """
    if not _JOB_NAME.fullmatch(name):
        shown = ascii(name[:50])
        raise BadJobName(
            f"{shown} is not a job name: use 1 to 150 letters (A-Z, a-z), digits, '.', '_' or '-'"
        )
    return name


def check_output(uri: str) -> str:
    """Check an output prefix, and return it unchanged.

    Raises:
        ValueError: it is not a valid output prefix.
    """
    if "\\" in uri or NEVER_SHOWN.search(uri):
        raise ValueError("must not contain backslashes, control characters or unsafe Unicode")
    if not re.fullmatch(r"s3://[^/]{1,255}/(.*/)?", uri):
        raise ValueError("must be s3://bucket/prefix/ and end with a slash")
    if len(split_uri(uri)[1].encode()) > MAX_PREFIX_BYTES:
        raise ValueError(f"must have a prefix of at most {MAX_PREFIX_BYTES} bytes")
    if any(_has_dots(name) for name in (uri, unicodedata.normalize("NFKC", uri))):
        raise ValueError(_NO_DOTS)
    if names_jobs_folder(uri):
        raise ValueError("must not contain the path component _jobs (the folder of jobs)")
    return uri


def output_uri(output: str, relative: str, extension: str) -> str:
    """Address of one format of one file's result: <output><relative>.<extension>."""
    return f"{output}{relative}.{extension}"


def error_uri(output: str, relative: str) -> str:
    """Address of the error report of a file that failed permanently."""
    return output_uri(output, relative, "error.json")


def invalid_entry_name(shard: str, position: int) -> str:
    """Output name of an entry of a shard's files that has no valid name of its own.

    Neither a file nor a job can have it: `~` is not allowed in job names.
    """
    return f"{JOBS_FOLDER}~invalid/{_as_part(shard)}/{position}"


def job_uri(output: str, job: str, name: str) -> str:
    """Address of a document of a job: <output>_jobs/<job>/<name>."""
    return f"{output}{JOBS_FOLDER}{_as_part(job)}/{name}"


def shard_record_uri(output: str, job: str, shard: str) -> str:
    """Address of the FileRecords of one shard; see contract.shard_record."""
    return job_uri(output, job, f"shards/{_as_part(shard)}.jsonl")


def failed_record_uri(output: str, job: str, shard: str) -> str:
    """Address of the FileRecords of a shard's failed files; no object if none failed."""
    return job_uri(output, job, f"failed/{_as_part(shard)}.jsonl")


def part_uri(output: str, job: str, number: int) -> str:
    """Address of a part of the plan: the planned files of one window of a job."""
    return job_uri(output, job, f"files/{number:06d}.jsonl.gz")


def _as_part(name: str) -> str:
    """The name, percent-encoded as a path component; names made by this project are unchanged."""
    quoted = quote(name, safe="", errors="surrogatepass")
    if len(quoted) > 200:  # file systems behind S3 gateways allow names of 255 bytes
        return f"{quoted[:180]}~{hashlib.sha256(quoted.encode()).hexdigest()[:16]}"
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def fingerprint(ref: "AudioRef", etag: str, model_revision: str, options: "Options") -> str:
    """Hash of all that a result depends on (audio, ETag, range, model, options): sha256:<hex>.

    A file whose result has the same fingerprint is not transcribed again. The hash is of canonical
    JSON (sorted keys, no spaces, ASCII), formatted here by hand for speed: a producer computes
    millions.
    """
    audio_range = ",".join(
        "null" if part is None else str(part) for part in (ref.start_ms, ref.end_ms, ref.channel)
    )
    canonical = (
        f'{{"audio":{_quoted(ref.audio)},"etag":{_quoted(etag)},"model":{_quoted(model_revision)},'
        f'"options":{_canonical_options(options)},"stretch":[{audio_range}]}}'
    )
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


FIRST_OPTIONS = {"formats", "language", "hotwords", "timestamps", "speakers", "channels"}
"""Options of the first release: always hashed and in job.json, so that its results stay current."""


@lru_cache(maxsize=256)
def _canonical_options(options: "Options") -> str:
    """Canonical JSON of the options.

    Options outside FIRST_OPTIONS are left out while they have their default.
    """
    document = options.model_dump(mode="json")
    for name in document.keys() - FIRST_OPTIONS:
        if document[name] == type(options).model_fields[name].default:
            del document[name]
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
