"""A source of audio fails for some files, or for all; the other files are processed."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from funasr_fleet.storage.base import ObjectIncomplete, StoreError, StoreUnavailable
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.pipeline import storage_errors
from funasr_fleet.worker.pipeline.storage_errors import StorageErrors
from tests.support.audio import tone, wav
from tests.support.examples import a_ref, a_shard
from tests.support.fake_child import FakeChild, FakeTask
from tests.support.stores import WatchedStore

AWAY = StoreUnavailable("web server answered 503")


@pytest.fixture
def child() -> FakeChild:
    child = FakeChild()
    child.bench.store = WatchedStore("in", "far", "out")
    return child


def a_message(child: FakeChild, *uris: str) -> dict[str, Any]:
    """The message of a shard, whose first delivery starts the files in this order."""
    body = wav(tone(1))
    for uri in uris:
        child.bench.store.write(uri, body, "")
    refs = [a_ref(uri, index=index, relative=uri[5:]) for index, uri in enumerate(uris)]
    return a_shard(*refs).to_message()


def deliver(child: FakeChild, message: dict[str, Any], retries: int) -> bool:
    """Run one delivery; return whether the shard is postponed."""
    task = FakeTask(retries=retries)
    child.ledger.clear()
    child.run(message, task)
    assert len(task.sent_again) + len(child.dead_letters) <= 1
    return bool(task.sent_again)


def fail(child: FakeChild, uris: Iterable[str], error: StoreError = AWAY) -> None:
    child.bench.store.failing_reads |= dict.fromkeys(uris, error)


def outcomes(child: FakeChild) -> Counter[str]:
    return Counter(entry[2] for entry in child.ledger)


ALL = [f"s3://in/{number}.wav" for number in range(40)]
BAD = ALL[:6]


@pytest.mark.parametrize("error", [AWAY, ObjectIncomplete("truncated")])
def test_only_the_files_that_fail_in_every_delivery_fail(
    child: FakeChild, error: StoreError
) -> None:
    message = a_message(child, *ALL)
    fail(child, BAD, error)
    assert deliver(child, message, 0)
    assert outcomes(child)["ok"] < 5, "no more than were started before the last error was noticed"
    assert deliver(child, message, 1)
    assert outcomes(child) == {"ok": 34}
    assert not deliver(child, message, MAX_RETRIES)
    assert outcomes(child) == {"ok": 34, "failed": 6}
    assert len(child.bench.engine.lengths_ms) == 34
    assert [letter.reason for letter in child.dead_letters] == [f"{error} (tried 31 times)"]


def test_the_last_retry_tries_every_file_of_a_source_that_answers(child: FakeChild) -> None:
    message = a_message(child, *ALL)
    fail(child, ALL[::2] + ALL[1:20:2])
    assert not deliver(child, message, MAX_RETRIES)
    assert outcomes(child) == {"ok": 10, "failed": 30}
    assert set(child.bench.store.downloads) == set(ALL)


def test_errors_that_are_not_in_a_row_do_not_stop_a_source(child: FakeChild) -> None:
    message = a_message(child, *ALL)
    fail(child, ALL[::2])
    assert deliver(child, message, 0)
    assert outcomes(child) == {"ok": 20}


def ports(number: int) -> str:
    return f"http://audio.example:{number + 1}/{number}.wav"


def cases(number: int) -> str:
    letters = enumerate("audioexampleorg")
    host = "".join(c.upper() if number >> place & 1 else c for place, c in letters)
    return f"https://{host}/{number}.wav"


def arns(number: int) -> str:
    return f"s3://arn:aws:s3:nowhere-{number}:123456789012:accesspoint:x/{number}.wav"


def tried(uris: Iterable[str], retries: int, fails: Callable[[int], bool], seconds: float) -> int:
    """How many files are started, one after the other, of which some fail."""
    errors = StorageErrors(retries, lambda: None)
    refs = [a_ref(uri, index=index, relative=f"{index}") for index, uri in enumerate(uris)]
    count = 0
    for ref in errors.files(refs, lambda: False):
        if fails(count):
            errors.source_failed(ref, AWAY, seconds)
        else:
            errors.source_answered(ref)
        count += 1
    return count


@pytest.mark.parametrize("retries", [0, 1, MAX_RETRIES])
@pytest.mark.parametrize("uri", [ports, cases, arns])
def test_a_source_is_one_whatever_its_port_case_or_region(
    uri: Callable[[int], str], retries: int
) -> None:
    assert tried(map(uri, range(2000)), retries, lambda _: True, 1.0) == 6


@pytest.mark.parametrize(("retries", "most"), [(0, 25), (1, 25), (MAX_RETRIES, 121)])
def test_errors_of_a_source_that_answers_now_and_then_are_limited(retries: int, most: int) -> None:
    uris = [ports(0)] * 2000
    assert tried(uris, retries, lambda count: count % 6 != 5, 1.0) == most


@pytest.mark.parametrize("retries", [0, MAX_RETRIES])
def test_the_time_of_fetches_that_fail_is_limited(retries: int) -> None:
    uris = [ports(0)] * 2000
    assert tried(uris, retries, lambda count: count % 2 == 1, 60.0) == 22


@pytest.mark.parametrize("retries", [0, 1, MAX_RETRIES])
def test_a_source_of_which_a_third_fails_is_tried_to_the_end(retries: int) -> None:
    assert tried([ports(0)] * 2000, retries, lambda count: count % 3 == 1, 0.1) == 2000


@pytest.mark.parametrize("seconds", [0.0, 60.0])
@pytest.mark.parametrize("retries", [0, 1, MAX_RETRIES])
def test_errors_of_other_sources_do_not_stop_a_source_without_errors(
    retries: int, seconds: float
) -> None:
    uris = [f"s3://good/{number}" if number % 2 else ports(0) for number in range(2000)]
    errors, started = StorageErrors(retries, lambda: None), Counter[str]()
    refs = [a_ref(uri, index=index, relative=f"{index}") for index, uri in enumerate(uris)]
    for ref in errors.files(refs, lambda: False):
        source = ref.audio.partition(":")[0]
        started[source] += 1
        if source == "http" and started[source] % 5:
            errors.source_failed(ref, AWAY, seconds)
        else:
            errors.source_answered(ref)
    assert started["s3"] == 1000
    assert seconds == 0 or 10 < started["http"] < 130


def test_the_time_of_a_failed_fetch_is_measured(
    child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_errors, "_MAX_FAILED_S", 0.0)
    message = a_message(child, *ALL)
    fail(child, ALL[::2])
    assert deliver(child, message, MAX_RETRIES) is False
    assert len(child.bench.store.downloads) < 15


def test_files_of_other_sources_are_processed_while_one_is_away(child: FakeChild) -> None:
    far = [f"s3://far/{number}.wav" for number in range(100)]
    message = a_message(child, *far, *ALL)
    fail(child, far)
    assert deliver(child, message, 0)
    assert outcomes(child) == {"ok": 40}
    assert sum(uri in far for uri in child.bench.store.downloads) < 15
    assert child.postponed == [("night-000000", "storage_unavailable", str(AWAY))]


@pytest.mark.parametrize("retries", [0, 7, MAX_RETRIES])
def test_an_outage_of_the_only_source_ends_the_delivery_soon(
    child: FakeChild, retries: int
) -> None:
    uris = [f"s3://in/{number}.wav" for number in range(200)]
    message = a_message(child, *uris)
    fail(child, uris)
    assert deliver(child, message, retries) is (retries < MAX_RETRIES)
    assert len(child.bench.store.downloads) < 15
    assert outcomes(child) == ({} if retries < MAX_RETRIES else {"failed": 200})


def test_an_outage_that_begins_in_the_last_retry_ends_it(child: FakeChild) -> None:
    uris = [f"s3://in/{number}.wav" for number in range(200)]
    message, store = a_message(child, *uris), child.bench.store
    child.bench.engine.on_listen = lambda: fail(child, uris)
    assert not deliver(child, message, MAX_RETRIES)
    assert 100 < len(store.downloads) < 120
    assert outcomes(child)["ok"] + outcomes(child)["failed"] == 200


@pytest.mark.parametrize("retries", [0, 7])
def test_an_outage_of_the_output_ends_the_delivery_soon(child: FakeChild, retries: int) -> None:
    uris = [f"s3://in{number}/a.wav" for number in range(200)]
    child.bench.store = WatchedStore("out", *(uri[5:].partition("/")[0] for uri in uris))
    message = a_message(child, *uris)
    child.bench.store.denied, child.bench.store.error = (".json",), StoreUnavailable("away")
    assert deliver(child, message, retries)
    assert len(child.bench.store.reads) < 15
    assert (child.bench.store.downloads, outcomes(child)) == ([], {})
