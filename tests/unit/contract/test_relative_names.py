"""The short way to a safe name admits nothing that the rules refuse, whatever its alphabet."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.layout import (
    _LIKE_DOTS,
    _LIKE_UNDERSCORES,
    MAX_KEY_BYTES,
    _is_plain,
    check_relative,
)

PARTS = st.sampled_from(
    [
        *("a", ".", "..", "/", "\\", "\n", "\x7f", "\u6f22", "\ud800", "x" * 300, "\x85"),
        *("\u202e", "\u2066", "\u2028", "\u2024", "\u2025", "\uff0e", "\uff0f", "\ufe52"),
        *("_jobs", "/_jobs/", "_JOBS", "\uff3f", "jobs"),
    ]
)


@given(st.lists(PARTS, max_size=6).map("".join) | st.text(max_size=20))
def test_what_is_plain_is_safe(name: str) -> None:
    if not _is_plain(name):
        return
    assert check_relative(name) == name
    assert not name.startswith("/")
    assert not any(c == "\\" or ord(c) < 32 or 127 <= ord(c) < 160 for c in name)
    assert not set(name) & set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert len(name.encode()) <= MAX_KEY_BYTES
    for form in (name, unicodedata.normalize("NFKC", name)):
        assert not set(form.lower().split("/")) & {".", "..", "_jobs"}


@given(st.lists(PARTS, max_size=6).map("".join) | st.text(max_size=20))
def test_what_is_accepted_the_long_way_is_safe_too(name: str) -> None:
    try:
        check_relative(name)
    except ValueError:
        return
    assert name.encode()
    for form in (name, unicodedata.normalize("NFKC", name)):
        assert not set(form.lower().split("/")) & {".", "..", "_jobs"}


def test_every_character_that_may_become_a_dot_or_a_slash_is_looked_at() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if set(unicodedata.normalize("NFKC", character)) & {".", "/"} and character not in "./":
            assert _LIKE_DOTS.match(character), hex(number)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\ud800b", "Unicode"),
        ("\udfff", "Unicode"),
        ("calls/\u202e3pm.exe", "Unicode"),
        *((f"a{chr(number)}b", "Unicode") for number in range(0x202A, 0x202F)),
        *((f"a{chr(number)}b", "Unicode") for number in range(0x2066, 0x206A)),
        ("a\u2028b", "Unicode"),
        ("a\u2029b", "Unicode"),
        *((f"a{chr(number)}b", "control") for number in range(0x80, 0xA0)),
        ("\u2025/a", "'..'"),
        ("a/\u2024\u2024/b", "'..'"),
        ("a/\uff0e\uff0e", "'..'"),
        ("a/\ufe52", "'.'"),
        ("a/\ufe30/b", "'..'"),
        ("a\uff0f..", "'..'"),
        ("a/.\uff0fb", "'.'"),
        ("\u4f60" * 301, "bytes"),
        ("\U0001f600" * 226, "bytes"),
    ],
)
def test_a_name_of_odd_unicode_is_refused(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_relative(name)


JOBS = [
    *("_jobs", "_jobs/v1/report", "vict/_jobs/v1/report", "vict/_jobs", "a//_jobs/b", "_JOBS/b"),
    *("\uff3fjobs/b", "a\uff0f_jobs/b", "a/_\uff4aobs/b", "\u6f22/\ufe4djobs/b", "a/_job\u017f/b"),
]


@pytest.mark.parametrize("name", JOBS)
def test_a_name_among_the_documents_of_jobs_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="_jobs as a path part"):
        check_relative(name)


@pytest.mark.parametrize(
    "name",
    ["my_jobs/a", "_jobs2/a", "a/_jobs.wav", "a/_jobsx/b", "jobs/a", "a/_/jobs", "a/__jobs/b"],
)
def test_a_name_that_only_looks_like_it_is_none_of_them(name: str) -> None:
    assert check_relative(name) == name


def test_every_character_that_may_become_an_underscore_is_looked_at() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if "_" in unicodedata.normalize("NFKC", character) and character != "_":
            assert _LIKE_UNDERSCORES.match(character), hex(number)


NAMES = [
    "calls/2026/a b.mp3",
    "\u6f22/\u5b57.wav",
    "\u7535\u8bdd\u53f7\u7801.m4a",
    "\u062a\u0633\u062c\u064a\u0644/\u0645\u0643\u0627\u0644\u0645\u0629.wav",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.mp3",  # Persian joins by a zero-width mark
    "\U0001f3a7/\U0001f468\u200d\U0001f469\u200d\U0001f467.ogg",  # so do families of emoji
    "caf\u00e9/cafe\u0301.wav",
    "\u306f\u3044\u2026/\uff11\uff0e\u97f3.wav",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35.wav",
    "a" * MAX_KEY_BYTES,
    "\u6f22" * (MAX_KEY_BYTES // 3),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_as_they_are_given_pass(name: str) -> None:
    assert check_relative(name) == name


@pytest.mark.parametrize("name", ["calls/2026/a b.mp3", "\u6f22/\u5b57.wav", "a" * MAX_KEY_BYTES])
def test_names_as_they_are_given_go_the_short_way(name: str) -> None:
    assert _is_plain(name)
