"""Any value in place of a number gives a reference, or an invalid row with its line number."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from funasr_fleet.contract.job import (
    MAX_AUDIO_BYTES,
    MAX_CHANNEL,
    MAX_INDEX,
    MAX_TIME_MS,
    Options,
    Shard,
)
from funasr_fleet.producer.discovery.interface import BadRow, Found
from funasr_fleet.producer.discovery.manifest import Manifest
from funasr_fleet.producer.planning.estimating import estimate_ms
from funasr_fleet.producer.planning.parts import planned_row
from tests.support.examples import OUTPUT, reason, whole
from tests.support.memory_store import MemoryStore

AUDIO = "s3://b/calls/k.wav"
OURS = ("start_ms", "end_ms", "duration_ms", "bytes", "channel", "id", "relative")
OF_NEMO = ("offset", "duration", "bytes", "channel", "id")
OF_OPTIONS = ("audio_track", "speaker_count", "merge_seconds", "max_segment_seconds")
SMALL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = (
    SMALL
    | st.integers(1, 4000).map(lambda digits: 10**digits)
    | st.floats(0, 2.0**64)
    | st.text("0123456789", min_size=1, max_size=20)
    | st.recursive(SMALL, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
LITERALS = st.sampled_from(
    ["9" * 5000, f'"{"9" * 5000}"', "1e300", "-1e300", "1e999", "NaN", "-Infinity", "1e19", "-0.0"]
)
RAW = VALUES.map(json.dumps) | LITERALS


def the_middle(name: str, *lines: str) -> Found:
    """Read the lines and return the result of the last but one; its neighbours are valid."""
    store = MemoryStore("in")
    store.write(f"s3://in/{name}", "\n".join(lines).encode("utf-8", "surrogatepass"), "")
    found = list(Manifest(f"s3://in/{name}", store).after(""))
    before, *middle, after = found
    assert before.item == after.item
    assert len(middle) == 1
    number = len(lines) - 1
    assert middle[0].position == str(number)
    if isinstance(middle[0].item, BadRow):
        assert str(middle[0].item).startswith(f"s3://in/{name}, line {number}: ")
    return middle[0]


def survives(found: Found) -> bool:
    """Whether it is a reference; checks that it can be planned, counted and read by a worker."""
    if isinstance(found.item, BadRow):
        return False
    ref = whole(found.item)
    for number, most in (
        (ref.start_ms, MAX_TIME_MS),
        (ref.end_ms, MAX_TIME_MS),
        (found.duration_ms, MAX_TIME_MS),
        (ref.size_bytes, MAX_AUDIO_BYTES),
        (ref.channel, MAX_CHANNEL),
    ):
        assert number is None or (type(number) is int and 0 <= number <= most)
    estimated = estimate_ms(ref, found.duration_ms)
    assert 0 <= estimated * (MAX_INDEX + 1) < 1 << 63  # for the maximum number of files
    row = json.loads(planned_row(ref, 7))
    shard = {"schema": 1, "shard": "s", "output": OUTPUT, "files": [row]}
    (again,) = Shard.from_message(shard).files
    assert again == ref.model_copy(update={"index": 7})
    return True


def a_row(audio: str, **raw: str) -> str:
    fields = "".join(f', "{name}": {value}' for name, value in raw.items())
    return f'{{"{audio}": "{AUDIO}"{fields}}}'


@given(
    st.dictionaries(st.sampled_from([*OURS, *OF_OPTIONS]), RAW, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(OF_NEMO), RAW, min_size=1, max_size=3),
)
def test_any_value_in_a_json_row_gives_a_reference_or_a_bad_row(
    ours: dict[str, str], nemo: dict[str, str]
) -> None:
    for audio, raw in (("audio", ours), ("audio_filepath", nemo)):
        good = a_row(audio)
        survives(the_middle("l.jsonl", good, a_row(audio, **raw), good))


CELLS = (
    st.floats().map(str) | st.text("0123456789.e+-_xaninf ", max_size=12) | st.integers().map(str)
)


@given(CELLS | st.sampled_from(["9" * 5000, "1e300", "1e19", "nan", "inf", "true"]))
@example("9007199254740993")
def test_any_cell_of_a_table_gives_a_reference_or_a_bad_row(cell: str) -> None:
    for column in ("start_ms", "end_ms", "duration_ms", "bytes", "channel", "id"):
        good = f"{AUDIO},"
        survives(the_middle("l.csv", f"audio,{column}", good, f"{AUDIO},{cell}", good))
    for column in ("offset", "duration"):
        survives(
            the_middle(
                "l.tsv",
                f"audio_filepath\t{column}",
                good.replace(",", "\t"),
                f"{AUDIO}\t{cell}",
                good.replace(",", "\t"),
            )
        )


@given(st.text(st.characters(exclude_characters="\n\r"), min_size=1, max_size=20))
def test_any_line_of_wav_scp_gives_a_reference_or_a_bad_row(name: str) -> None:
    good = f"x {AUDIO}"
    if name.strip():
        survives(the_middle("wav.scp", good, f"{name} {AUDIO}", good))


TOO_LARGE = ("1e300", "1e19", "-1", "true", "NaN", "Infinity", "9" * 400, f'"{"9" * 5000}"')


@pytest.mark.parametrize("raw", [*TOO_LARGE, "9" * 5000])
@pytest.mark.parametrize(
    ("audio", "field"),
    [*(("audio", name) for name in OURS[:-2]), *(("audio_filepath", name) for name in OF_NEMO[:2])],
)
def test_a_value_that_is_not_a_number_or_out_of_range_makes_a_bad_row(
    audio: str, field: str, raw: str
) -> None:
    good = a_row(audio)
    found = the_middle("l.jsonl", good, a_row(audio, **{field: raw}), good)
    assert field in reason(found.item) or "too many digits" in reason(found.item)


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("start_ms", MAX_TIME_MS),
        ("end_ms", MAX_TIME_MS),
        ("duration_ms", MAX_TIME_MS),
        ("bytes", MAX_AUDIO_BYTES),
        ("channel", MAX_CHANNEL),
    ],
)
def test_each_number_is_accepted_up_to_its_maximum(field: str, most: int) -> None:
    good = a_row("audio")
    assert survives(the_middle("l.jsonl", good, a_row("audio", **{field: str(most)}), good))
    found = the_middle("l.jsonl", good, a_row("audio", **{field: str(most + 1)}), good)
    assert str(most) in reason(found.item)


def test_numbers_may_be_text_or_have_a_zero_fraction() -> None:
    row = a_row("audio", start_ms='"5"', end_ms="1000.0", channel="1.0", bytes='"7"')
    ref = whole(the_middle("l.jsonl", a_row("audio"), row, a_row("audio")).item)
    assert (ref.start_ms, ref.end_ms, ref.channel, ref.size_bytes) == (5, 1000, 1, 7)


def test_the_tested_options_exist() -> None:
    assert set(OF_OPTIONS) <= Options.model_fields.keys()
