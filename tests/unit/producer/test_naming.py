"""No two files of a backlog are written to one place."""

from contract.job import AudioRef
from producer.naming import tell_apart
from producer.sources.interface import BadRow


def ref(audio: str, relative: str, start_ms: int | None = None) -> AudioRef:
    return AudioRef(audio=f"s3://in/{audio}", relative=relative, start_ms=start_ms)


def test_files_with_names_of_their_own_pass_in_order() -> None:
    found = [ref("a", "a"), ref("b", "b"), ref("a", "a2", 500)]
    assert list(tell_apart(found)) == found


def test_the_same_stretch_again_is_left_out() -> None:
    assert list(tell_apart([ref("a", "x"), ref("a", "x")])) == [ref("a", "x")]


def test_another_file_under_a_name_that_is_taken_is_told_and_not_passed_on() -> None:
    first, second = list(tell_apart([ref("p1/x.wav", "x.wav"), ref("p2/x.wav", "x.wav")]))
    assert first == ref("p1/x.wav", "x.wav")
    assert isinstance(second, BadRow)
    assert str(second).startswith("s3://in/p2/x.wav: another file is written to x.wav already")


def test_another_stretch_under_the_same_name_is_told() -> None:
    (_, second) = list(tell_apart([ref("a", "x"), ref("a", "x", 1000)]))
    assert isinstance(second, BadRow)


def test_bad_rows_pass_through() -> None:
    row = BadRow("list.jsonl, line 3", "no object")
    assert list(tell_apart([row])) == [row]
