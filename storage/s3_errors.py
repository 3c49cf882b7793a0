"""Translates errors of S3 and botocore to StoreErrors."""

import contextlib
from collections.abc import Iterator
from typing import Any

from funasr_fleet.contract.layout import split_uri
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectMissing,
    RequestImpossible,
    StoreError,
    StoreUnavailable,
)

_REFUSED = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "AuthorizationHeaderMalformed",
    "RequestTimeTooSkewed",
}
_DENIED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled"}
_MISSING = {"NoSuchKey", "404", "NotFound"}
_BUSY = {"SlowDown", "RequestTimeout", "TooManyRequests", "OperationAborted"}
_BUSY_STATUS = {408, 409, 429}
_BEHIND_THE_END = {"InvalidRange", "416"}

_TEMPORARY = {
    *("ConnectionError", "HTTPClientError", "HTTPError"),  # with proxies, TLS, timeouts, streams
    *("IncompleteReadError", "ResponseParserError", "PaginationError"),
    *("ChecksumError", "FlexibleChecksumError"),
    *("AwsChunkedWrapperError", "UnseekableStreamError", "CapacityNotAvailableError"),  # of retries
    *("CredentialRetrievalError", "MetadataRetrievalError", "RefreshWithMFAUnsupportedError"),
    *("NoAuthTokenError", "TokenRetrievalError", "SSOError", "LoginError"),
}
"""Errors of botocore and urllib3 that the network, storage or a refresh of credentials may cause.
By name, because older releases of botocore lack some of them."""
_SHOWN_CHARS = 500
"""A ResponseParserError contains the whole response."""


def translate(error: Exception, uri: str) -> StoreError:
    """The StoreError for an error of botocore or urllib3."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _translate_answer(error.response, uri)
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return CredentialsRefused(f"no credentials for {uri}: set AWS_ACCESS_KEY_ID and the secret")
    if isinstance(error, exceptions.ParamValidationError):
        return ObjectMissing(f"{uri} is not a valid object address")
    why = str(error)[:_SHOWN_CHARS]
    if any(kind.__name__ in _TEMPORARY for kind in type(error).__mro__):
        return StoreUnavailable(f"storage cannot be reached for {uri}: {why}")
    return RequestImpossible(f"no request for {uri} can be made: {why}")


def _translate_answer(answer: dict[str, Any], uri: str) -> StoreError:
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    bucket, _ = split_uri(uri)
    if code == "NoSuchBucket":
        return BucketMissing(f"bucket {bucket} does not exist")
    if code in _MISSING:
        return ObjectMissing(f"{uri} does not exist")
    if code in _REFUSED:
        return CredentialsRefused(f"storage rejected the credentials ({code}) for {uri}")
    if code in _DENIED:
        return ObjectDenied(f"access to {uri} was denied")
    if code in _BUSY or "Throttl" in code or status in _BUSY_STATUS or status >= 500:
        return StoreUnavailable(f"storage failed for {uri}: {code or status}")
    return ObjectDenied(f"storage refused {uri}: {code or status}")  # archived, moved, ...


@contextlib.contextmanager
def translated(uri: str) -> Iterator[None]:
    """Raise errors of botocore as StoreErrors that name the address."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    try:
        yield
    # botocore does not wrap all errors of its parser and of urllib3
    except (ClientError, BotoCoreError, ResponseParserError, HTTPError) as error:
        raise translate(error, uri) from error


@contextlib.contextmanager
def nothing_behind_the_end() -> Iterator[None]:
    """Suppress the error of S3 for a range beyond the end of an object."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _BEHIND_THE_END:
            raise


@contextlib.contextmanager
def valid_endpoint() -> Iterator[None]:
    """Translate botocore's plain ValueError for an invalid endpoint, which quotes the endpoint.

    Raises:
        BadConfiguration: without the value, which may contain a password.
    """
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except BotoCoreError:  # some are ValueErrors with other causes
        raise
    except ValueError:
        raise BadConfiguration(
            "the S3 endpoint is not a valid address: set AWS_ENDPOINT_URL_S3 to http://host:port "
            "or https://host"
        ) from None
