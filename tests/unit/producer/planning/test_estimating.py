"""The estimated audio of a reference: from known times, else from size and format."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.audio_suffixes import AUDIO_SUFFIXES
from funasr_fleet.producer.planning.estimating import (
    DEFAULT_MS,
    TYPICAL_BYTES_PER_SECOND,
    estimate_ms,
    suffix_of,
)
from tests.support.examples import a_ref

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("fields", "duration_ms", "expected_ms"),
    [
        ({}, None, DEFAULT_MS),
        ({}, 90_000, 90_000),
        ({"bytes": 320_000}, None, 10_000),
        ({"bytes": 320_000}, 90_000, 90_000),
        ({"start_ms": 5_000, "end_ms": 8_000}, None, 3_000),
        ({"start_ms": 5_000, "end_ms": 8_000, "bytes": 7}, 6_000, 1_000),
        ({"start_ms": 5_000}, 90_000, 85_000),
        ({"start_ms": 5_000, "bytes": 320_000}, None, 5_000),
        ({"end_ms": 4_000}, None, 4_000),
        ({"start_ms": 95_000}, 90_000, 0),
        ({"bytes": 0}, None, 0),
    ],
)
def test_known_durations_take_precedence_over_estimates(
    fields: dict[str, Any], duration_ms: int | None, expected_ms: int
) -> None:
    assert estimate_ms(a_ref("s3://in/a.wav", **fields), duration_ms) == expected_ms


@pytest.mark.parametrize(
    ("name", "size_bytes"),
    [
        ("call.wav", 115_200_000),
        ("CALL.MP3", 57_600_000),
        ("call.flac", 63_360_000),
        ("call.opus", 14_400_000),
        ("call.amr", 5_760_000),
        ("v1.2/no-suffix", 57_600_000),
        ("call.xyz", 57_600_000),
    ],
)
def test_the_size_of_an_hour_in_each_format_is_estimated_as_an_hour(
    name: str, size_bytes: int
) -> None:
    assert estimate_ms(a_ref(f"s3://in/{name}", bytes=size_bytes), None) == HOUR_MS


def test_every_suffix_that_is_taken_for_audio_has_a_rate() -> None:
    assert {f".{suffix}" for suffix in TYPICAL_BYTES_PER_SECOND} == {*AUDIO_SUFFIXES}
    assert estimate_ms(a_ref("s3://in/a.3GP", bytes=16_000), None) == 1000


@given(st.integers(0, 1 << 40), st.none() | st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_an_estimate_is_between_zero_and_the_length_of_the_range(
    start_ms: int, duration_ms: int | None, length_ms: int
) -> None:
    ref = a_ref("s3://in/a.wav", start_ms=start_ms, end_ms=start_ms + length_ms + 1)
    assert 0 <= estimate_ms(ref, duration_ms) <= length_ms + 1


@pytest.mark.parametrize(
    ("address", "suffix"),
    [("s3://in/a.WAV", "wav"), ("s3://in.x/a", ""), ("s3://in/a.tar.gz", "gz"), ("a", "a")],
)
def test_a_suffix_is_that_of_the_last_part(address: str, suffix: str) -> None:
    assert suffix_of(address) == suffix
