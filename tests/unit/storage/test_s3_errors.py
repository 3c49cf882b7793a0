"""Which errors of botocore are retried: those of the network, but not those of an address."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError
from urllib3.exceptions import SSLError

from funasr_fleet.storage.base import (
    CredentialsRefused,
    ObjectMissing,
    RequestImpossible,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.storage.s3_errors import translate, translated

URI = "s3://calls/a.wav"
BOTO = {
    name: kind
    for name, kind in vars(exceptions).items()
    if isinstance(kind, type) and issubclass(kind, exceptions.BotoCoreError)
}
_NETWORK = re.compile(
    "Connection|Timeout|HTTPClient|Proxy|SSL|Stream|ReadError|Retrieval|Credential|Token|SSO|Login"
    "|MFA|Checksum|Chunked|Pagination|Capacity"
)
_SETTING = re.compile("Invalid|Unknown|Unsupported|NotFound")
NETWORK = sorted(one for one in BOTO if _NETWORK.search(one) and not _SETTING.match(one))
CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError"}
OTHERS = sorted(BOTO.keys() - set(NETWORK) - {"ParamValidationError"})


def translated_kind(name: str) -> type[StoreError]:
    kind: Any = BOTO[name]
    error = kind.__new__(kind)  # each constructor has arguments of its own
    return type(translate(error, URI))


@pytest.mark.parametrize("name", NETWORK)
def test_errors_of_the_network_and_of_refreshed_credentials_are_retried(name: str) -> None:
    expected = CredentialsRefused if name in CREDENTIALS else StoreUnavailable
    assert translated_kind(name) is expected


@pytest.mark.parametrize("name", OTHERS)
def test_errors_of_addresses_and_settings_are_not_retried(name: str) -> None:
    assert translated_kind(name) is RequestImpossible
    assert translated_kind("ParamValidationError") is ObjectMissing


@pytest.mark.parametrize("error", [ResponseParserError("<html>" * 1000), SSLError("bad record")])
def test_errors_that_botocore_does_not_wrap_are_retried(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=URI) as caught, translated(URI):
        raise error
    assert len(str(caught.value)) < 1000


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], S3Store]:
    """Makes stores that cannot send a request."""

    def make(endpoint: str) -> S3Store:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        if endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        store = S3Store(())
        store._client.meta.events.register("before-send", _fail)
        return store

    return make


def _fail(**_: Any) -> None:
    pytest.fail("a request was sent")


IMPOSSIBLE = [
    "arn:aws:s3:-evil:123456789012:accesspoint:myap",
    "e-0123456789012345678901234567890abcdefghijk0000--op-s3",
]


@pytest.mark.parametrize(
    ("bucket", "endpoint"),
    [
        *((bucket, endpoint) for bucket in IMPOSSIBLE for endpoint in ("", "http://127.0.0.1:9")),
        ("x--x-s3", ""),
    ],
)
def test_a_bucket_name_that_botocore_rejects_is_not_retried(
    offline: Callable[[str], S3Store], bucket: str, endpoint: str
) -> None:
    store = offline(endpoint)
    for request in (
        lambda: store.head(f"s3://{bucket}/k"),
        lambda: store.write(f"s3://{bucket}/k", b"", "text/plain"),
        lambda: list(store.list(f"s3://{bucket}/p/")),
    ):
        with pytest.raises(RequestImpossible, match=f"s3://{bucket}/"):
            request()


def test_a_check_of_storage_reports_that_no_request_is_possible(
    offline: Callable[[str], S3Store],
) -> None:
    store = offline("")

    def refuse(**_: Any) -> None:
        raise exceptions.MissingDependencyException(msg="pip install botocore[crt]")

    store._client.meta.events.register_first("before-send", refuse)
    with pytest.raises(RequestImpossible, match="crt"):
        store.check()


def test_deleting_an_object_that_a_server_reports_as_missing_is_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not every S3 server answers with success, as AWS does."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = S3Store()
    answer = {"Error": {"Code": "NoSuchKey", "Message": "no such key"}}

    def delete_object(**_: str) -> None:
        raise exceptions.ClientError(answer, "DeleteObject")

    monkeypatch.setattr(store._client, "delete_object", delete_object)
    store.delete(URI)
