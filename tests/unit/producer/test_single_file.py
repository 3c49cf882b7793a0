"""One file through the queue: its objects, waiting for the result, and the cleanup."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options, Shard
from funasr_fleet.producer import single_file as one_file
from funasr_fleet.producer.errors import OptionsRefused
from funasr_fleet.producer.model_choice import Route, why_refused, with_warnings
from funasr_fleet.producer.single_file import (
    LONGEST_WAIT_S,
    FileFailed,
    NoResult,
    transcribe,
    wait_for_outcome,
)
from funasr_fleet.producer.single_file_request import SingleFileRequest
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectDenied
from tests.support.examples import a_segment, a_transcript, an_error_report
from tests.support.memory_store import MemoryStore

SCRATCH = "s3://scratch/mine/"


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(b"sound")
    return path


ERRAND = SingleFileRequest(
    shard="one-1", name="a.wav", audio="s3://in/a.wav", local=None, output="s3://scratch/results/1/"
)


class Clock:
    """A clock that advances only in `sleep`, which then calls `then`."""

    def __init__(self, then: Callable[[float], None] = lambda now: None) -> None:
        self.now_s = 0.0
        self.waits: list[float] = []
        self._then = then

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds
        self._then(self.now_s)


@pytest.mark.parametrize("ending", ["json", "error.json"])
def test_waiting_polls_with_growing_pauses(ending: str) -> None:
    store = MemoryStore("scratch")
    uri = f"{ERRAND.output}a.wav.{ending}"

    def work(now_s: float) -> None:
        if now_s > 30:
            store.write(uri, b"{}", "application/json")

    store.write(f"{ERRAND.output}a.wav.srt", b"", "text/plain")  # no commit marker
    clock = Clock(work)
    assert wait_for_outcome(ERRAND, store, 600, clock, clock.sleep) == uri
    assert clock.waits == sorted(clock.waits)
    assert clock.waits[0] < 0.1
    assert clock.waits[-1] == LONGEST_WAIT_S
    assert clock.now_s < 32


def test_waiting_ends_at_the_deadline_with_one_last_check() -> None:
    store, clock = MemoryStore("scratch"), Clock()
    assert wait_for_outcome(ERRAND, store, 7.3, clock, clock.sleep) is None
    assert clock.now_s == pytest.approx(7.3)

    def work_late(now_s: float) -> None:
        store.write(f"{ERRAND.output}a.wav.json", b"{}", "application/json")

    late = Clock(work_late)
    assert wait_for_outcome(ERRAND, store, 0.01, late, late.sleep)


class Worker:
    """Replaces queue and worker: calls `answer` for each published shard."""

    def __init__(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.sent: list[tuple[Shard, int]] = []
        self.answer: Callable[[Shard], None] = self.succeed
        self.queues: list[str] = []
        self.choice = Route(queue="fleet", model="demo", is_known=False)
        self.can: Abilities | None = None
        monkeypatch.setattr(one_file, "publish_one", self.take)
        monkeypatch.setattr(one_file, "route_job", lambda *_: self.choice)
        monkeypatch.setattr(one_file, "check_options", self.check_options)

    def check_options(
        self, redis: Any, settings: Settings, choice: Route, options: Options
    ) -> Route:
        if why := why_refused(choice, self.can, options):
            raise OptionsRefused(why)
        return with_warnings(choice, self.can, options)

    def take(self, shard: Shard, settings: Settings, priority: int) -> None:
        self.sent.append((shard, priority))
        self.queues.append(settings.queue)
        (ref,) = shard.files
        if ref.audio.startswith(SCRATCH):
            assert self.store.read(ref.audio) == b"sound"
        self.answer(shard)

    def write(self, shard: Shard, ending: str, body: bytes) -> None:
        uri = f"{shard.output}{shard.files[0].relative}.{ending}"
        self.store.write(uri, body, "application/json")

    def succeed(self, shard: Shard) -> None:
        body = a_transcript(a_segment(0, 900, "three nine")).to_json()
        self.write(shard, "json", body)

    def fail(self, shard: Shard) -> None:
        report = an_error_report("undecodable_audio", "no audio in it")
        self.write(shard, "error.json", report.to_json())


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("scratch", "in")


@pytest.fixture
def worker(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(store, monkeypatch)


def left(store: MemoryStore) -> list[str]:
    return [found.uri for found in store.list(SCRATCH + "uploads/")]


def test_the_text_is_returned_and_the_upload_deleted(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    said: list[str] = []
    settings = Settings(scratch=SCRATCH)
    done = transcribe(call, settings=settings, store=store, say=said.append)
    assert done.text == "three nine"
    assert store.read(done.uri)
    assert left(store) == []
    assert said == ["uploading call.wav", "waiting for a worker"]
    ((shard, priority),) = worker.sent
    assert (shard.job, priority) == (None, 9)


def test_a_failed_file_is_an_error_with_its_report(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    worker.answer = worker.fail
    with pytest.raises(FileFailed, match="undecodable_audio: no audio in it") as caught:
        transcribe(call, scratch=SCRATCH, store=store)
    assert caught.value.uri.endswith("/call.wav.error.json")
    assert left(store) == []


def test_the_upload_is_deleted_after_an_interrupt(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    def interrupt(shard: Shard) -> None:
        raise KeyboardInterrupt

    worker.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        transcribe(call, scratch=SCRATCH, store=store)
    assert left(store) == []


def test_an_undeletable_upload_is_only_a_warning(
    worker: Worker,
    store: MemoryStore,
    call: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def deny(uri: str) -> None:
        raise ObjectDenied(f"access to {uri} was denied")

    monkeypatch.setattr(store, "delete", deny)
    assert transcribe(call, scratch=SCRATCH, store=store).text == "three nine"
    assert "cannot delete the upload" in caplog.text


def test_a_timeout_is_an_error_that_names_the_next_command(
    worker: Worker, store: MemoryStore, call: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.answer = lambda shard: None
    monkeypatch.setattr(one_file, "_why_no_result", lambda *_: "look at `fleet status`")
    with pytest.raises(NoResult, match="fleet status"):
        transcribe(call, scratch=SCRATCH, store=store, timeout_s=0.05)
    assert left(store) == []


def test_the_file_goes_to_the_queue_of_the_model_and_warnings_are_passed_on(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    worker.choice = Route(queue="fleet-demo", model="demo", is_known=True, warnings=("alone",))
    warned: list[str] = []
    transcribe(call, model="demo", scratch=SCRATCH, store=store, warn=warned.append)
    assert worker.queues == ["fleet-demo"]
    assert warned == ["alone"]


def test_a_language_that_the_model_cannot_be_told_is_a_warning(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    worker.choice = Route(queue="fleet", model="demo", is_known=True, served=True)
    worker.can = Abilities()
    warned: list[str] = []
    wanted = Options(language="fr")
    transcribe(call, options=wanted, scratch=SCRATCH, store=store, warn=warned.append)
    assert [
        warning.startswith("demo: it does not support selecting a language") for warning in warned
    ] == [True]


def test_unsupported_options_are_rejected_before_the_upload(
    worker: Worker, store: MemoryStore, call: Path
) -> None:
    worker.choice = Route(queue="fleet", model="demo", is_known=True, served=True)
    worker.can = Abilities()
    told: list[str] = []
    wanted = Options(hotwords=("nine",))
    with pytest.raises(OptionsRefused, match=r"demo .* does not support hotwords"):
        transcribe(call, options=wanted, scratch=SCRATCH, store=store, say=told.append)
    assert (worker.sent, told) == ([], [])
