"""Values in Redis that another client has changed are read as lost, or left out."""

import pytest

from funasr_fleet.broker.ledger.stored_fields import (
    count_in,
    is_before,
    numbered,
    read_texts,
)
from funasr_fleet.broker.ledger.values import read_counts, read_minutes
from funasr_fleet.broker.ledger.worker_seen import read_worker
from tests.unit.broker.test_ledger import NOTHING, PUBLISHED


@pytest.mark.parametrize("name", ["created_at", "files", "windows", "recorded", "audio_ms"])
@pytest.mark.parametrize("text", ["x", "1e999", "-", "\u0663", "9" * 400])
def test_a_field_that_another_client_made_invalid_is_lost(name: str, text: str) -> None:
    found = read_counts("night", {**PUBLISHED, name: text}, ["x"], 1, 3, *NOTHING[1:])
    assert found
    assert not found.whole
    assert (found.open_shards, found.in_flight) == (1, 0)


def test_minutes_that_another_client_made_invalid_are_left_out() -> None:
    stored = {"f7": "2", "x": "1", "f": "1", "fx": "1", "q8": "1", "a9": "x", "": "1"}
    stored |= {"f" + "9" * 400: "1", "f9999999999": "1", "f\u0663": "1"}
    assert [(one.minute, one.files) for one in read_minutes(stored)] == [(7, 2)]


@pytest.mark.parametrize("name", ["files", "windows"])
def test_a_negative_number_of_files_is_lost(name: str) -> None:
    found = read_counts("night", {**PUBLISHED, name: "-5"}, [], 1, 3, *NOTHING[1:])
    assert found
    assert not found.whole


@pytest.mark.parametrize("name", ["slot", "at", "files", "audio_ms", "work_ms", "in_progress_ms"])
@pytest.mark.parametrize("value", ["9" * 401, "-1", "NaN", "Infinity", "1e999"])
def test_a_report_with_an_impossible_number_is_left_out(name: str, value: str) -> None:
    report = {"worker": '"w"', "slot": "0", "at": "1764000000.5"}
    fields = ", ".join(f'"{key}": {text}' for key, text in (report | {name: value}).items())
    assert read_worker(f"{{{fields}}}") is None


@pytest.mark.parametrize("text", ["garbage", "[]", "7", '{"worker": "w"}', '{"at": "x"}'])
def test_an_invalid_report_of_a_worker_is_left_out(text: str) -> None:
    assert read_worker(text) is None


def test_only_a_valid_time_is_before_another() -> None:
    assert is_before("1764000000.5", 1764000001)
    assert not any(is_before(text, 1e12) for text in (None, "", "x", "1e9", "-1", "1" * 12))


def test_negative_numbers_of_files_in_flight_do_not_reduce_others() -> None:
    found = read_counts("night", PUBLISHED, ["3", "-3", "x"], 1, 0, *NOTHING[1:])
    assert found
    assert (found.open_shards, found.in_flight) == (3, 3)


def test_invalid_fields_and_documents_are_left_out() -> None:
    assert numbered({"10": "", "9": "", "x": "", "-1": "", "\u0663": ""}) == ["9", "10"]
    assert count_in("x") == count_in(None) == 0
    texts = ("x", "[]", "7", '{"relative": 7}', "{}", "[" * 9999, '{"relative": "a", "more": 1}')
    stored = {str(number): text for number, text in enumerate(texts)}
    assert [*read_texts(stored, "relative")] == [(6, {"relative": "a"})]
