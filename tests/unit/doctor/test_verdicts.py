"""What is taken for sound, for doubtful and for wrong."""

import pytest

from contract.store import MemoryStore
from doctor.broker import judge_clock, judge_keeping
from doctor.finding import Verdict
from doctor.machine import judge_devices, judge_threads
from doctor.storage import read_below, write_below
from worker.machine import Gpu

H100 = Gpu(index=0, name="NVIDIA H100", uuid="GPU-1", memory_bytes=80 << 30)


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "told"),
    [
        (0.02, "ok", "0.02 s ahead of"),
        (-0.9, "ok", "0.90 s behind"),
        (1.5, "warning", "1.50 s ahead of"),
        (-4.0, "warning", "4.00 s behind"),
        (-7.0, "error", "7.00 s behind"),
    ],
)
def test_a_clock_may_differ_by_less_than_a_renewal(
    ahead_s: float, verdict: Verdict, told: str
) -> None:
    found = judge_clock(ahead_s)
    assert found.verdict == verdict
    assert told in found.told
    assert bool(found.advice) == (verdict != "ok")


@pytest.mark.parametrize(
    ("policy", "aof", "verdict"),
    [
        ("noeviction", True, "ok"),
        ("noeviction", False, "warning"),
        ("allkeys-lru", True, "error"),
        ("volatile-ttl", True, "error"),
        ("", True, "ok"),
    ],
)
def test_a_queue_must_not_forget(policy: str, aof: bool, verdict: Verdict) -> None:
    assert judge_keeping(policy, aof).verdict == verdict


@pytest.mark.parametrize(
    ("devices", "gpus", "verdict"),
    [
        (("0",), [H100], "ok"),
        (("cpu",), [], "ok"),
        (("cpu",), [H100], "warning"),
    ],
)
def test_a_gpu_that_is_not_used_is_doubtful(
    devices: tuple[str, ...], gpus: list[Gpu], verdict: Verdict
) -> None:
    assert judge_devices(devices, gpus).verdict == verdict


@pytest.mark.parametrize(
    ("threads", "children", "cores", "verdict"),
    [(4, 8, 32, "ok"), (4, 8, 16, "warning"), (1, 8, 8, "warning"), (2, 1, 2, "ok")],
)
def test_threads_want_cores_of_their_own(
    threads: int, children: int, cores: int, verdict: Verdict
) -> None:
    assert judge_threads(threads, children, cores).verdict == verdict


def test_a_prefix_without_anything_is_doubtful() -> None:
    store = MemoryStore("audio", "transcripts")
    assert read_below(store, "s3://audio/none/").verdict == "warning"
    store.write("s3://audio/calls/a.wav", b"RIFF", "audio/wav")
    found = read_below(store, "s3://audio/calls/")
    assert (found.verdict, "a.wav" in found.told) == ("ok", True)


def test_what_is_written_to_try_is_deleted_again() -> None:
    store = MemoryStore("audio", "transcripts")
    assert write_below(store, "s3://transcripts/").verdict == "ok"
    assert list(store.list("s3://transcripts/")) == []
