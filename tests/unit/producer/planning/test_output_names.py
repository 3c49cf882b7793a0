"""Different files of a backlog never share an output name."""

from collections.abc import Iterator

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, Content, Found
from funasr_fleet.producer.planning.output_names import OutputNames


def ref(audio: str, relative: str, start_ms: int | None = None, **options: str) -> AudioRef:
    return AudioRef(
        audio=f"s3://in/{audio}", relative=relative, start_ms=start_ms, options={**options}
    )


@pytest.fixture
def names() -> Iterator[OutputNames]:
    with OutputNames("s3://out/") as names:
        yield names


def passed(names: OutputNames, *items: Content) -> list[Content]:
    found = (Found(str(number), item) for number, item in enumerate(items))
    return [one.item for one in names.deduplicate(found)]


def test_files_with_different_names_pass_in_order(names: OutputNames) -> None:
    found = [Found("7", ref("a", "a"), 4000), Found("8", ref("b", "b")), Found("9", ref("a", "c"))]
    assert list(names.deduplicate(found)) == found


def test_a_repeated_range_is_dropped(names: OutputNames) -> None:
    assert passed(names, ref("a", "x"), ref("a", "x")) == [ref("a", "x")]


def test_a_name_collision_is_a_bad_row_in_its_place(names: OutputNames) -> None:
    found = [Found("p1/x.wav", ref("p1/x.wav", "x.wav")), Found("p2/x.wav", ref("p2/x", "x.wav"))]
    first, second = names.deduplicate(found)
    assert first == found[0]
    assert second.position == "p2/x.wav"
    said = "s3://in/p2/x: another file already has the output name x.wav"
    assert str(second.item).startswith(said)


@pytest.mark.parametrize("other", [ref("a", "x", 1000), ref("a", "x", language="zh")])
def test_another_range_or_other_options_under_the_same_name_are_a_bad_row(
    names: OutputNames, other: AudioRef
) -> None:
    (_, second) = passed(names, ref("a", "x"), other)
    assert isinstance(second, BadRow)


def test_bad_rows_pass_through(names: OutputNames) -> None:
    row = BadRow("list.jsonl, line 3", "no object")
    assert passed(names, row, row) == [row, row]


def test_options_are_compared_regardless_of_order_and_container(names: OutputNames) -> None:
    first = AudioRef(audio="s3://in/a", options={"language": "zh", "hotwords": ("alpha",)})
    again = AudioRef(audio="s3://in/a", options={"hotwords": ["alpha"], "language": "zh"})
    assert passed(names, first, again) == [first]


def test_names_used_before_a_restart_stay_reserved(names: OutputNames) -> None:
    names.remember(ref("a", "x"))
    names.remember(ref("b", "y"))
    again, clash, new = ref("a", "x"), ref("other", "y"), ref("c", "z")
    told, kept = passed(names, again, clash, new)
    assert kept == new
    assert isinstance(told, BadRow)


def test_names_stay_reserved_across_sources(names: OutputNames) -> None:
    assert passed(names, ref("a", "x")) == [ref("a", "x")]
    assert passed(names, ref("a", "x")) == []
