"""Addresses of results; an output name in any script stays below its prefix."""

import sys
import unicodedata
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.layout import (
    _LIKE_DOTS,
    _LIKE_UNDERSCORES,
    MAX_KEY_BYTES,
    _is_plain,
    check_job_name,
    check_relative,
    error_uri,
    invalid_entry_name,
    is_s3_uri,
    key_of,
    output_uri,
    split_uri,
)
from funasr_fleet.worker.formats import RENDERERS
from tests.support.examples import OUTPUT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "relative"),
        ("/etc/passwd", "relative"),
        ("../a", "'..'"),
        ("a/../../b", "'..'"),
        ("a/..", "'..'"),
        ("./a", "'.'"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("a\x7fb", "control"),
        ("a\\b", "backslash"),
        ("a" * (MAX_KEY_BYTES + 1), "at most"),
        ("漢" * (MAX_KEY_BYTES // 3 + 1), "bytes"),
    ],
)
def test_a_name_that_could_leave_its_prefix_is_rejected(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_relative(name)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.text("./\\a", max_size=12))
def test_an_accepted_name_stays_below_any_prefix(name: str) -> None:
    try:
        check_relative(name)
    except ValueError:
        return
    depth = 0
    for part in name.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        assert depth > 0


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("s3://b/k", True),
        ("s3://b/k/l m", True),
        ("s3://b/", False),
        ("s3://b", False),
        ("s3:///k", False),
        ("http://b/k", False),
        ("s3://b/k\0", False),
        (None, False),
        (7, False),
    ],
)
def test_an_address_has_a_bucket_and_a_key(value: Any, is_one: bool) -> None:
    assert is_s3_uri(value) is is_one


def test_an_address_is_split_into_bucket_and_key() -> None:
    assert split_uri("s3://b/x/y.mp3") == ("b", "x/y.mp3")
    assert split_uri("s3://b") == ("b", "")
    assert key_of("s3://b//x") == "x"


def test_outputs_are_named_after_the_file() -> None:
    assert output_uri(OUTPUT, "calls/a.mp3", "srt") == "s3://out/prefix/calls/a.mp3.srt"
    assert error_uri(OUTPUT, "calls/a.mp3") == "s3://out/prefix/calls/a.mp3.error.json"


PARTS = st.sampled_from(
    [
        *("a", ".", "..", "/", "\\", "\n", "\x7f", "\u6f22", "\ud800", "x" * 300, "\x85"),
        *("\u202e", "\u2066", "\u2028", "\u2024", "\u2025", "\uff0e", "\uff0f", "\ufe52"),
        *("_jobs", "/_jobs/", "_JOBS", "\uff3f", "jobs"),
    ]
)


@given(st.lists(PARTS, max_size=6).map("".join) | st.text(max_size=20))
def test_names_accepted_by_the_fast_check_are_safe(name: str) -> None:
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
def test_names_accepted_by_the_full_check_are_safe(name: str) -> None:
    try:
        check_relative(name)
    except ValueError:
        return
    assert name.encode()
    for form in (name, unicodedata.normalize("NFKC", name)):
        assert not set(form.lower().split("/")) & {".", "..", "_jobs"}


def test_every_character_that_may_become_a_dot_a_slash_or_an_underscore_is_checked() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        form = unicodedata.normalize("NFKC", character)
        if set(form) & {".", "/"} and character not in "./":
            assert _LIKE_DOTS.match(character), hex(number)
        if "_" in form and character != "_":
            assert _LIKE_UNDERSCORES.match(character), hex(number)


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
def test_a_name_with_unsafe_unicode_is_rejected(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_relative(name)


JOBS = [
    *("_jobs", "_jobs/v1/report", "vict/_jobs/v1/report", "vict/_jobs", "a//_jobs/b", "_JOBS/b"),
    *("\uff3fjobs/b", "a\uff0f_jobs/b", "a/_\uff4aobs/b", "\u6f22/\ufe4djobs/b", "a/_job\u017f/b"),
]


@pytest.mark.parametrize("name", JOBS)
def test_a_name_below_the_documents_of_jobs_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match="the path component _jobs"):
        check_relative(name)


NAMES = [
    *("a.mp3", "calls/2026/a b.mp3", "..a", "a..b", "a...", "a//b", ".hidden"),
    *("my_jobs/a", "_jobs2/a", "a/_jobs.wav", "a/_jobsx/b", "jobs/a", "a/_/jobs", "a/__jobs/b"),
    "\u6f22/\u5b57.wav",
    "\u7535\u8bdd\u53f7\u7801.m4a",
    "\u062a\u0633\u062c\u064a\u0644/\u0645\u0643\u0627\u0644\u0645\u0629.wav",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.mp3",  # Persian uses a zero-width non-joiner
    "\U0001f3a7/\U0001f468\u200d\U0001f469\u200d\U0001f467.ogg",  # emoji use joiners
    "caf\u00e9/cafe\u0301.wav",
    "\u306f\u3044\u2026/\uff11\uff0e\u97f3.wav",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35.wav",
    "a" * MAX_KEY_BYTES,
    "\u6f22" * (MAX_KEY_BYTES // 3),
]


@pytest.mark.parametrize("name", NAMES)
def test_safe_names_are_accepted_unchanged(name: str) -> None:
    assert check_relative(name) == name


def test_common_names_are_accepted_by_the_fast_check() -> None:
    assert all(map(_is_plain, (NAMES[1], "\u6f22/\u5b57.wav", "a" * MAX_KEY_BYTES)))


ENDINGS = sorted(
    {"error", "ch0", "ch12"}
    | {one.extension.removesuffix(".json") for one in RENDERERS.values() if "." in one.extension}
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_that_another_file_derives_from_its_own_is_rejected(ending: str) -> None:
    folded = f"{ending[:-1]}{chr(ord(ending[-1]) + 0xFEE0)}"  # full width, equal under NFKC
    for name in (f"a.{ending}", f"calls/a.mp3.{ending.upper()}", f"\u6f22.{folded}"):
        with pytest.raises(ValueError, match=r"must not end with \.error, \.openai-verbose,"):
            check_relative(name)
    for name in (ending, f"{ending}/a", f"a.{ending}.wav", f"a.x{ending}", f"a.{ending}x"):
        assert check_relative(name) == name


def test_no_output_of_a_file_has_the_key_of_an_output_of_another_file() -> None:
    """In all formats, and for split channels."""
    extensions = [one.extension for one in RENDERERS.values()]
    derived = [f"{channel}{one}" for one in extensions for channel in ("", "ch0.")]
    for longer, shorter in product([*derived, "error.json"], repeat=2):
        if longer.endswith(f".{shorter}"):
            with pytest.raises(ValueError, match="must not end with"):
                check_relative(f"a.{longer.removesuffix(f'.{shorter}')}")


def test_the_name_of_an_invalid_entry_is_no_name_of_a_file_or_of_a_job() -> None:
    name = invalid_entry_name("a/../b", 3)
    assert name == "_jobs/~invalid/a%2F..%2Fb/3"
    with pytest.raises(ValueError, match="_jobs"):
        check_relative(name)
    with pytest.raises(ValueError, match="not a job name"):
        check_job_name("~invalid")
