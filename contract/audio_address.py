"""PURE: addresses of audio: s3://bucket/key, or http(s)://host/path of allowed hosts."""

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import SplitResult, unquote, urlsplit

from funasr_fleet.contract.layout import is_s3_uri, is_whole, key_of

MAX_ADDRESS_CHARS = 8192
"""Maximum length; presigned URLs have several hundred characters, S3 keys at most 1,024 bytes."""

_ODD = re.compile(r"[\s\x00-\x20\x7f\\]")
"""Characters that are invalid in URLs, and that URL parsers interpret differently."""

_MAX_NETLOC_CHARS = 253 + len(".:65535")
"""A DNS name of maximum length with its final dot and a port."""
_LONG_LABEL = re.compile("[^.\u3002]{70}")
"""More than a label of a DNS name, 63 characters, and a port. IDNA has a second kind of dot."""

SETTING = "FLEET_ALLOWED_HTTP_HOSTS"


def check_audio(uri: str) -> str:
    """Check an address of audio, and return it unchanged.

    Raises:
        ValueError: it is not a valid audio address.
    """
    if len(uri) > MAX_ADDRESS_CHARS:
        raise ValueError(f"must have at most {MAX_ADDRESS_CHARS} characters")
    if is_s3_uri(uri):
        return uri
    if not is_web(uri):
        raise ValueError("must be s3://bucket/key, or http(s)://host/path")
    _parsed(uri)
    return uri


def is_web(uri: str) -> bool:
    """Whether the address is an http:// or https:// URL."""
    return uri.startswith(("https://", "http://"))


def host_of(uri: str) -> str:
    """The host of a URL as settings name it: in lower case, ASCII (IDNA).

    Raises:
        ValueError: the URL is invalid.
    """
    return (_parsed(uri).hostname or "").encode("idna").decode().lower()


def check_host(uri: str, allowed: Collection[str]) -> None:
    """Check that the host of a URL is allowed; s3:// addresses always pass.

    Raises:
        ValueError: the host is not allowed; the message names the setting.
    """
    if is_web(uri) and host_of(uri) not in allowed:
        raise ValueError(f"its host is not in {SETTING}")


def shown(uri: str) -> str:
    """The address without user name, password, query and fragment, which may contain secrets."""
    if not is_web(uri):
        return uri
    scheme, _, rest = uri.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def default_name(uri: str) -> str:
    """The key, or the percent-decoded path of a URL; "" when both are empty."""
    if is_s3_uri(uri):
        return key_of(uri)
    return unquote(shown(uri).partition("://")[2].partition("/")[2]).lstrip("/")


def _parsed(uri: str) -> SplitResult:
    if len(uri) > MAX_ADDRESS_CHARS or _ODD.search(uri) or not is_whole(uri):
        raise ValueError("must be an address without spaces, backslashes or control characters")
    _check_netloc_length(uri)
    try:
        parts = urlsplit(uri)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError("must be http(s)://host/path") from None
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if not parts.hostname or parts.path in ("", "/"):
        raise ValueError("must be http(s)://host/path")
    return parts


def _check_netloc_length(uri: str) -> None:
    """Reject hosts that IDNA would reject after up to a second; a character may become 18."""
    netloc = re.split("[/?#]", uri.partition("://")[2], maxsplit=1)[0]
    if len(netloc) <= _MAX_NETLOC_CHARS:
        plain = unicodedata.normalize("NFKC", netloc)
        if len(plain) <= _MAX_NETLOC_CHARS and not _LONG_LABEL.search(plain):
            return
    raise ValueError("must have a host of at most 253 characters, and 63 between two dots")
