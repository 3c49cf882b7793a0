"""Addresses of audio: which are valid, which hosts are allowed, which parts may be shown."""

import encodings.idna

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.audio_address import (
    check_audio,
    check_host,
    default_name,
    host_of,
    shown,
)
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint
from tests.support.examples import a_ref

SIGNED = "https://host.example/calls/a%20b.mp3?X-Amz-Signature=hush#hush"


@pytest.mark.parametrize("uri", ["s3://b/k", SIGNED, "http://h:8080/a", "https://h/\u4f60.wav"])
def test_a_valid_address_is_kept_unchanged(uri: str) -> None:
    assert check_audio(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        *("", "a.wav", "file:///etc/passwd", "ftp://h/a", "HTTP://h/a", "s3://b", "//h/a"),
        *("http://", "http:///a", "http://h", "http://h/", "http://h/a b", "http://h/a\n"),
        *("http://h\\@x/a", "http://u:hush@h/a", "http://h:port/a", "http://h:99999/a"),
        *("http://[::1/a", "http://h/\ud800", "http://h/\0", "http://h/" + "a" * 9000),
        "http://" + "a" * 300 + "/a",
    ],
)
def test_an_invalid_address_is_rejected_without_being_repeated(uri: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        check_audio(uri)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        *("\ufdfa" * 8180, "\ufdfa" * 15, "\u6f22" * 70, "a\u0300\u0316" * 2700, "a." * 131),
        *("\u6f22." * 131, "a" * 70, "h:" + "1" * 260, f"h@{'a' * 260}"),
    ],
)
@pytest.mark.parametrize("rest", ["/k", "?/k", "#/k", ""])
def test_a_host_that_is_too_long_is_rejected_before_its_costly_conversion(
    host: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameprep(_: str) -> str:
        pytest.fail("the host was converted")

    monkeypatch.setattr(encodings.idna, "nameprep", nameprep)
    with pytest.raises(ValueError, match="a host of at most 253 characters"):
        check_audio(f"http://{host}{rest}")


@pytest.mark.parametrize("port", ["", ":65535"])
@pytest.mark.parametrize(
    "host",
    [".".join(letter * 63 for letter in "abc") + f".{'d' * 61}.", "\u6f22" * 14 + ".example"],
)
def test_the_longest_hosts_are_valid(host: str, port: str) -> None:
    assert check_audio(f"http://{host}{port}/k") == f"http://{host}{port}/k"


@pytest.mark.parametrize(
    ("uri", "may_be_read"),
    [
        ("s3://b/k?x#y", "s3://b/k?x#y"),
        (SIGNED, "https://host.example/calls/a%20b.mp3"),
        ("http://u:hush@h/a?hush", "http://h/a"),
        ("http://h?hush/a", "http://h"),
        ("http://h#hush@x/a", "http://h"),
        ("https://h/a@b", "https://h/a@b"),
    ],
)
def test_the_shown_address_has_no_query_and_no_user(uri: str, may_be_read: str) -> None:
    assert shown(uri) == may_be_read


@given(st.text(max_size=20), st.sampled_from(["?", "#"]))
def test_text_after_the_path_is_never_shown(path: str, mark: str) -> None:
    assert "hush" not in shown(f"http://h/{path}{mark}hush")


def test_outputs_are_named_after_the_path() -> None:
    assert a_ref(SIGNED).relative == "calls/a b.mp3"
    assert default_name("http://h/%E4%BD%A0.wav") == "\u4f60.wav"
    assert default_name("s3://b//k") == "k"


@pytest.mark.parametrize(
    "path", ["%2e%2e/a", "a/..%2f..%2fb", "a%00", "a%0a", "%5c", "\uff0e\uff0e/a"]
)
def test_a_path_that_would_leave_the_prefix_is_rejected(path: str) -> None:
    with pytest.raises(ValueError, match="relative"):
        AudioRef.model_validate({"audio": f"https://h/{path}"})


@pytest.mark.parametrize("uri", ["https://Host.Example/a", "http://host.example:81/a?b"])
def test_a_host_is_allowed_by_its_exact_name(uri: str) -> None:
    assert host_of(uri) == "host.example"
    check_host(uri, {"host.example"})
    for others in ((), ("example",), ("xhost.example",), ("host.example.",)):
        with pytest.raises(ValueError, match="its host is not in FLEET_ALLOWED_HTTP_HOSTS"):
            check_host(uri, others)


def test_an_internationalised_host_is_compared_by_its_dns_name() -> None:
    assert host_of("https://b\u00fccher.example/a") == "xn--bcher-kva.example"


def test_addresses_in_s3_need_no_allowed_host() -> None:
    check_host("s3://b/k", ())


def test_a_fingerprint_depends_on_the_query_of_an_address() -> None:
    one, other = (a_ref(f"https://h/a?id={number}") for number in (1, 2))
    assert one.relative == other.relative
    assert fingerprint(one, "e", "m", Options()) != fingerprint(other, "e", "m", Options())
