"""Errors of botocore become errors that say what to do; the policy in deploy/ is sufficient."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage import s3
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectIncomplete,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.storage.etags import etag_of, stated_md5
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.storage.s3_errors import nothing_behind_the_end, translate, translated

URI = "s3://calls/a.wav"


def _answer(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (_answer("NoSuchKey"), ObjectMissing),
        (_answer("404"), ObjectMissing),
        (_answer("NoSuchBucket"), BucketMissing),
        (_answer("AccessDenied"), ObjectDenied),
        (_answer("403"), ObjectDenied),
        (_answer("InvalidAccessKeyId"), CredentialsRefused),
        (_answer("SignatureDoesNotMatch"), CredentialsRefused),
        (_answer("ExpiredToken"), CredentialsRefused),
        (_answer("SlowDown"), StoreUnavailable),
        (_answer("InternalError"), StoreUnavailable),
        (_answer(""), StoreUnavailable),
        (NoCredentialsError(), CredentialsRefused),
        (PartialCredentialsError(provider="env", cred_var="x"), CredentialsRefused),
        (EndpointConnectionError(endpoint_url="http://x"), StoreUnavailable),
        (ConnectTimeoutError(endpoint_url="http://x"), StoreUnavailable),
    ],
)
def test_errors_of_boto_are_translated(error: Exception, meaning: type[StoreError]) -> None:
    said = translate(error, URI)
    assert type(said) is meaning
    assert "calls" in str(said)


def test_a_missing_bucket_is_named() -> None:
    assert str(translate(_answer("NoSuchBucket"), URI)) == "bucket calls does not exist"


@pytest.mark.parametrize("listed", ['"9b2c"', "9b2c"])
def test_an_etag_is_quoted_whether_the_store_quotes_it_or_not(listed: str) -> None:
    assert etag_of({"ETag": listed}, URI) == '"9b2c"'


def test_a_response_without_an_etag_is_not_the_object() -> None:
    with pytest.raises(ObjectIncomplete, match="no ETag"):
        etag_of({"Body": b"<html>"}, URI)


MD5 = "9b2cf535f27731c974343645a3985328"


@pytest.mark.parametrize(
    ("answer", "md5"),
    [
        ({"ETag": f'"{MD5}"'}, MD5),
        ({"ETag": MD5.upper()}, MD5),
        ({"ETag": f'"{MD5}"', "ServerSideEncryption": "AES256"}, MD5),
        ({"ETag": f'"{MD5}-12"'}, ""),
        ({"ETag": f'"{MD5}"', "ServerSideEncryption": "aws:kms"}, ""),
        ({"ETag": f'"{MD5}"', "SSECustomerAlgorithm": "AES256"}, ""),
        ({"ETag": '"0x8DC58C3F"'}, ""),
    ],
)
def test_only_an_etag_of_a_plain_object_in_one_part_states_an_md5(
    answer: dict[str, str], md5: str
) -> None:
    assert stated_md5(answer) == md5


def test_errors_of_head_requests_are_translated_by_status() -> None:
    def answer(status: int) -> ClientError:
        error = {"Code": str(status), "Message": "no"}
        return ClientError(
            {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "HeadObject"
        )

    kinds = {status: type(translate(answer(status), URI)) for status in (400, 403, 404, 429, 503)}
    assert kinds == {
        400: ObjectDenied,
        403: ObjectDenied,
        404: ObjectMissing,
        429: StoreUnavailable,
        503: StoreUnavailable,
    }


@pytest.fixture
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_custom_endpoints_use_path_style_addressing(
    no_endpoint: pytest.MonkeyPatch, name: str
) -> None:
    assert s3._addressing_style() == "auto"
    no_endpoint.setenv(name, "http://127.0.0.1:9000")
    assert s3._addressing_style() == "path"


@pytest.mark.parametrize(
    "endpoint", ["localhost:9000", "user:hush@minio", "http://", "http://[::1"]
)
def test_an_invalid_endpoint_is_reported_without_its_password(
    no_endpoint: pytest.MonkeyPatch, endpoint: str
) -> None:
    no_endpoint.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    with pytest.raises(BadConfiguration, match="AWS_ENDPOINT_URL_S3 to http://host:port") as caught:
        S3Store()
    assert "hush" not in str(caught.value)


def test_a_range_beyond_the_end_is_not_an_error() -> None:
    with nothing_behind_the_end():
        raise _answer("InvalidRange")
    with pytest.raises(ObjectMissing), translated(URI), nothing_behind_the_end():
        raise _answer("NoSuchKey")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T12:00:01.250Z", datetime(2026, 11, 22, 12, 0, 1, 250_000, UTC)),
        ("2026-11-22T12:00:01Z", datetime(2026, 11, 22, 12, 0, 1, 0, UTC)),
        ("2026-11-22T12:00:01", datetime(2026, 11, 22, 12, 0, 1, 0, UTC)),
        ("Sun, 22 Nov 2026 12:00:01 GMT", datetime(2026, 11, 22, 12, 0, 1, 0, UTC)),
    ],
)
def test_times_of_listings_and_of_headers_are_read(text: str, moment: datetime) -> None:
    assert s3._moment(text).timestamp() == moment.timestamp()


@pytest.mark.parametrize(
    ("prefix", "key", "start"),
    [
        ("p/", "p/a/x", "p/a"),
        ("p/", "p/a/", "p/a"),
        ("p/", "p/a/b/c", "p/a"),
        ("p/", "p/a.wav", "p/a.wav"),
        ("", "a/x", "a"),
        ("p", "pq/x", "pq"),
        ("p/", "", ""),
        ("p/", "o/x", "o/x"),
    ],
)
def test_a_level_is_listed_from_before_the_folder_that_holds_the_key(
    prefix: str, key: str, start: str
) -> None:
    assert s3._before_its_folder(prefix, key) == start


POLICY = Path(__file__).parents[3] / "deploy" / "s3-policy.json"


def test_the_policy_grants_each_action_where_it_is_needed() -> None:
    granted: dict[str, set[str]] = {}
    for statement in json.loads(POLICY.read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            places = [resources] if isinstance(resources, str) else resources
            granted.setdefault(action, set()).update(places)
    audio, results = "arn:aws:s3:::AUDIO-BUCKET", "arn:aws:s3:::RESULT-BUCKET"
    assert granted == {
        "s3:GetObject": {f"{audio}/*", f"{results}/*"},
        "s3:PutObject": {f"{results}/*"},
        "s3:DeleteObject": {f"{results}/*"},
        "s3:ListBucket": {audio, results},
    }
