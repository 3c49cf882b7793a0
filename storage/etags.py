"""The ETag in an answer of S3, and the MD5 that it may state."""

import re
from collections.abc import Mapping
from typing import Any

from funasr_fleet.storage.base import ObjectIncomplete

_MD5 = re.compile("[0-9a-f]{32}")


def etag_of(answer: Mapping[str, Any], uri: str) -> str:
    """The ETag in quotes, so that ETags compare equal: some stores list them without quotes.

    Args:
        answer: a response, or an entry of a listing.
        uri: the address, for the error message.

    Raises:
        ObjectIncomplete: the answer has no ETag, for example the error page of a proxy.
    """
    if "ETag" not in answer:
        raise ObjectIncomplete(f"{uri}: the response has no ETag")
    return f'"{_unquoted(answer)}"'


def _unquoted(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def stated_md5(answer: Mapping[str, Any]) -> str:
    """The MD5 of an object in hex, from the response to a GET request; empty if it states none.

    The ETag is not an MD5 if the object was uploaded in parts, or is encrypted with a key of KMS or
    of the customer (Amazon S3, API Reference, data type Object).
    """
    etag = _unquoted(answer).lower()
    is_plain = answer.get("ServerSideEncryption", "AES256") == "AES256"
    is_md5 = is_plain and "SSECustomerAlgorithm" not in answer and _MD5.fullmatch(etag)
    return etag if is_md5 else ""
