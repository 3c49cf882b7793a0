"""PURE: where audio may lie: s3://bucket/key, or http(s)://host/path of hosts that are allowed."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, unquote, urlsplit

from contract.layout import is_s3_uri, is_whole, key_of

_MAX_ADDRESS = 8192
"""Characters; presigned addresses have some hundred."""

_ODD = re.compile(r"[\s\x00-\x20\x7f\\]")
"""What no address holds, and readers of addresses understand in several ways."""

SETTING = "FLEET_ALLOWED_HTTP_HOSTS"


def check_audio(uri: str) -> str:
    """Return the address unchanged.

    Raises:
        ValueError: when it is none.
    """
    if is_s3_uri(uri):
        return uri
    if not is_web(uri):
        raise ValueError("must be s3://bucket/key, or http(s)://host/path")
    _parsed(uri)
    return uri


def is_web(uri: str) -> bool:
    """Whether it is meant as an address of the web."""
    return uri.startswith(("https://", "http://"))


def host_of(uri: str) -> str:
    """The host of a web address as settings name it: in lower case, ASCII.

    Raises:
        ValueError: it is no sound address.
    """
    return (_parsed(uri).hostname or "").encode("idna").decode().lower()


def check_host(uri: str, allowed: Collection[str]) -> None:
    """Refuse audio of the web whose host nobody allowed; s3:// is no matter of this.

    Raises:
        ValueError: naming the setting.
    """
    if is_web(uri) and host_of(uri) not in allowed:
        raise ValueError(f"its host is not in {SETTING}")


def shown(uri: str) -> str:
    """The address as it may be read by anybody: what follows ? is often a signature."""
    if not is_web(uri):
        return uri
    scheme, _, rest = uri.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def default_name(uri: str) -> str:
    """The key, or the path with its %XX read; "" where there is neither."""
    if is_s3_uri(uri):
        return key_of(uri)
    return unquote(shown(uri).partition("://")[2].partition("/")[2]).lstrip("/")


def _parsed(uri: str) -> SplitResult:
    if len(uri) > _MAX_ADDRESS or _ODD.search(uri) or not is_whole(uri):
        raise ValueError("must be an address without spaces, backslashes or odd characters")
    try:
        parts = urlsplit(uri)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError("must be http(s)://host/path") from None
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    if not parts.hostname or parts.path in ("", "/"):
        raise ValueError("must be http(s)://host/path")
    return parts
