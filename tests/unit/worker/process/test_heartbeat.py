"""The progress that a child reports, and when its parent considers it hung."""

from pathlib import Path

import pytest

from funasr_fleet.worker.process.heartbeat import (
    Heartbeat,
    Progress,
    TimeLimits,
    progress_path,
    read_progress,
    stall_reason,
    touch_on_request,
)
from tests.support.examples import Clock
from tests.support.memory_store import MemoryStore

PATIENCE = TimeLimits(stall_s=60.0, min_rtfx=0.5)


def progress(*, began_s: float = 0.0, at_s: float = 0.0, audio_s: float = 0.0) -> Progress:
    time_allowance_s = PATIENCE.for_audio(audio_s)
    return Progress(
        pid=7,
        attempt_id="b",
        began_s=began_s,
        at_s=at_s,
        time_allowance_s=time_allowance_s,
        doing="vad of a.wav",
    )


@pytest.mark.parametrize(
    ("said", "now_s", "since_s", "why"),
    [
        (None, 9e9, 0.0, None),
        (progress(at_s=60), 120.0, 0.0, None),
        (progress(at_s=60), 121.0, 0.0, "no progress for 61 s, last step: vad of a.wav"),
        (progress(at_s=100), 161.0, 150.0, None),  # the broker was down until shortly before
        (progress(at_s=100), 211.0, 150.0, "no progress for 61 s, last step: vad of a.wav"),
        # 2 * (60 s + 30 s / 0.5) = 240 s
        (progress(at_s=239, audio_s=30), 240.0, 0.0, None),
        (
            progress(at_s=240, audio_s=30),
            241.0,
            0.0,
            "not finished after 240 s, last step: vad of a.wav",
        ),
        (progress(at_s=240, audio_s=30), 241.0, 100.0, None),
        (progress(at_s=240, audio_s=3000), 241.0, 0.0, None),
    ],
)
def test_a_child_is_stopped_when_it_stalls_or_takes_too_long(
    said: Progress | None, now_s: float, since_s: float, why: str | None
) -> None:
    assert stall_reason(said, now_s, since_s, PATIENCE) == why


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def heart(tmp_path: Path, clock: Clock) -> Heartbeat:
    return Heartbeat(progress_path(tmp_path, 3), clock, pid=7)


def _written(directory: Path) -> Progress:
    said = read_progress(directory, 3, 7)
    assert said is not None
    return said


def test_the_parent_reads_the_progress_of_the_child(
    heart: Heartbeat, clock: Clock, tmp_path: Path
) -> None:
    heart.begin("night-0", "first")
    clock.now_s += 1
    heart.touch("decode of a.wav", 60.0)
    clock.now_s += 1
    heart.touch("decode of a.wav", 30.0)
    assert read_progress(tmp_path, 3, 7) == Progress(
        pid=7,
        attempt_id="first",
        began_s=1000.0,
        at_s=1002.0,
        time_allowance_s=90.0,
        doing="decode of a.wav",
    )


def test_frequent_steps_are_written_rarely_without_losing_time_allowance(
    heart: Heartbeat, clock: Clock, tmp_path: Path
) -> None:
    heart.begin("night-0", "first")
    for _ in range(100):
        clock.now_s += 0.001
        heart.touch("decode of a.wav", 1.0)
    assert _written(tmp_path).at_s == 1000.0
    clock.now_s += 1
    heart.touch("write of a.wav")
    said = _written(tmp_path)
    assert (said.time_allowance_s, said.doing) == (100.0, "write of a.wav")


def test_a_child_without_a_shard_has_no_progress(heart: Heartbeat, tmp_path: Path) -> None:
    heart.touch("ModelReady")
    assert read_progress(tmp_path, 3, 7) is None
    heart.begin("night-0", "first")
    heart.end()
    heart.touch("ShardFinished")
    assert read_progress(tmp_path, 3, 7) is None


def test_the_time_allowance_is_reset_for_each_shard(
    heart: Heartbeat, clock: Clock, tmp_path: Path
) -> None:
    heart.begin("night-0", "first")
    heart.touch("decode of a.wav", 60.0)
    heart.end()
    heart.begin("night-1", "second")
    clock.now_s += 1
    heart.touch("vad of b.wav")
    said = _written(tmp_path)
    assert (said.time_allowance_s, said.attempt_id) == (0.0, "second")


def test_progress_of_an_earlier_child_is_ignored(heart: Heartbeat, tmp_path: Path) -> None:
    heart.begin("night-0", "first")
    assert read_progress(tmp_path, 3, 8) is None


def test_a_torn_progress_file_is_ignored(tmp_path: Path) -> None:
    progress_path(tmp_path, 3).write_text('{"pid": 7')
    assert read_progress(tmp_path, 3, 7) is None


def test_long_steps_are_cut_and_shorter_ones_overwrite_them_fully(
    heart: Heartbeat, clock: Clock, tmp_path: Path
) -> None:
    heart.begin("night-0", "first")
    for doing in ("\U0001f600" * 5000, "vad of a.wav"):
        clock.now_s += 1
        heart.touch(doing)
        assert _written(tmp_path).doing == doing[:130]
    assert progress_path(tmp_path, 3).stat().st_size == 2048  # the size is reserved at the start


class CountingStore(MemoryStore):
    checks = 0

    def check(self) -> None:
        self.checks += 1


def test_every_request_to_storage_is_a_step() -> None:
    steps: list[str] = []
    inner = CountingStore("in")
    store = touch_on_request(inner, lambda doing, time_allowance_s=0.0: steps.append(doing))
    store.write("s3://in/a", b"x", "text/plain")
    assert store.read("s3://in/a") == b"x"
    store.check()
    assert steps == ["write of s3://in/a", "read of s3://in/a", "check"]
    assert inner.checks == 1
