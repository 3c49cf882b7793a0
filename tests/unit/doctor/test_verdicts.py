"""What `fleet doctor` reports as ok, as a warning and as an error."""

import itertools
from typing import Any

import pytest
import redis
import redis.exceptions

from funasr_fleet.doctor import Verdict
from funasr_fleet.doctor.broker import check_clock, round_trip_s, try_writing
from funasr_fleet.doctor.storage import read_below, write_below
from funasr_fleet.doctor.worker import check_devices, check_threads
from funasr_fleet.storage.base import ObjectDenied
from funasr_fleet.worker.process.hardware import Gpu
from tests.support.memory_store import MemoryStore

H100 = Gpu(index=0, name="NVIDIA H100", uuid="GPU-1", memory_bytes=80 << 30)
EIGHT = [
    Gpu(index=i, name="NVIDIA H100", uuid=f"GPU-{i}a", memory_bytes=80 << 30) for i in range(8)
]


def test_the_round_trip_is_measured_after_the_login() -> None:
    seconds, asked = 0.0, itertools.chain([0.075, 0.015])

    def ask() -> None:
        nonlocal seconds
        seconds += next(asked)

    assert round_trip_s(ask, lambda: seconds) == pytest.approx(0.015)


class _Refusing:
    """A Redis client for which one command raises an error or returns another result."""

    def __init__(self, command: str, answer: Any) -> None:
        self._command, self._answer = command, answer
        self.kept: dict[str, str] = {}

    def _do(self, command: str, result: Any) -> Any:
        if command != self._command:
            return result
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def set(self, key: str, value: str, ex: int) -> Any:
        assert ex == 10
        self.kept[key] = value
        return self._do("set", True)

    def get(self, key: str) -> Any:
        return self._do("get", self.kept.get(key))

    def delete(self, key: str) -> Any:
        self.kept.pop(key)
        return self._do("delete", 1)


@pytest.mark.parametrize(
    ("command", "answer", "advice", "gone"),
    [
        ("set", redis.exceptions.ReadOnlyError("read only replica"), "name the primary", False),
        ("set", redis.exceptions.OutOfMemoryError("maxmemory"), "raise maxmemory", False),
        ("delete", redis.exceptions.NoPermissionError("'del'"), "valkey-acl.conf", False),
        ("set", redis.exceptions.MovedError("1 127.0.0.1:2"), "this is a cluster", False),
        ("set", redis.ResponseError("MISCONF no disk"), "its log", False),
        ("get", redis.TimeoutError("silence"), "the server is running", True),
        ("get", None, "reads must return the latest write", False),
    ],
)
def test_a_broker_that_rejects_writes_is_an_error_with_advice(
    command: str, answer: Any, advice: str, gone: bool
) -> None:
    client: Any = _Refusing(command, answer)
    found = try_writing(client, "a:")
    assert (found.verdict, found.unreachable) == ("error", gone)
    assert advice in found.advice
    assert "a:fleet:doctor" in found.told
    assert str(answer or "") in found.told


def test_the_test_key_has_the_prefix_and_is_deleted() -> None:
    keys: list[str] = []

    class Watched(_Refusing):
        def delete(self, key: str) -> Any:
            keys.append(key)
            return super().delete(key)

    client: Any = Watched("nothing", None)
    assert try_writing(client, "a:").verdict == "ok"
    assert not client.kept
    assert keys[0].startswith("a:fleet:doctor")


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
def test_a_clock_that_differs_by_a_second_is_a_warning_and_by_more_an_error(
    ahead_s: float, verdict: Verdict, told: str
) -> None:
    found = check_clock(ahead_s)
    assert found.verdict == verdict
    assert told in found.told
    assert bool(found.advice) == (verdict != "ok")


@pytest.mark.parametrize(
    ("devices", "gpus", "verdict"),
    [
        (("0",), [H100], "ok"),
        (("cpu",), [], "ok"),
        (("cpu",), [H100], "warning"),
        (("GPU-1",), [H100], "ok"),
        (("0",), EIGHT, "warning"),
        (tuple("01234567"), EIGHT, "ok"),
        (("MIG-1",), EIGHT, "ok"),
    ],
)
def test_an_unused_gpu_is_a_warning(
    devices: tuple[str, ...], gpus: list[Gpu], verdict: Verdict
) -> None:
    assert check_devices(devices, gpus).verdict == verdict


def test_idle_gpus_are_named() -> None:
    found = check_devices(("0", "GPU-3a", "5"), EIGHT)
    assert "GPU 1, 2, 4, 6, 7 are idle" in found.advice


@pytest.mark.parametrize(
    ("threads", "children", "cores", "advice"),
    [
        (4, 8, 32, ""),
        (2, 1, 2, ""),
        (4, 8, 16, "FLEET_TORCH_THREADS=auto"),
        (1, 8, 4, "more cores, or fewer children"),
        (1, 8, 8, "at least two cores per GPU"),
    ],
)
def test_too_few_cores_for_all_threads_are_a_warning_with_advice(
    threads: int, children: int, cores: int, advice: str
) -> None:
    found = check_threads(threads, children, cores)
    assert found.verdict == ("warning" if advice else "ok")
    assert advice in found.advice
    assert ("auto" in found.advice) == ("auto" in advice)


def test_an_empty_prefix_is_a_warning() -> None:
    store = MemoryStore("audio", "transcripts")
    assert read_below(store, "s3://audio/none/").verdict == "warning"
    store.write("s3://audio/calls/a.wav", b"RIFF", "audio/wav")
    found = read_below(store, "s3://audio/calls/")
    assert (found.verdict, "a.wav" in found.told) == ("ok", True)


def test_the_test_object_is_deleted() -> None:
    store = MemoryStore("audio", "transcripts")
    assert write_below(store, "s3://transcripts/").verdict == "ok"
    assert list(store.list("s3://transcripts/")) == []


@pytest.mark.parametrize("output", ["s3://transcripts", "s3://transcripts/2026", "transcripts/"])
def test_an_invalid_output_is_an_error_and_nothing_is_written(output: str) -> None:
    store = MemoryStore("transcripts", "transcripts_doctor")
    found = write_below(store, output)
    assert (found.verdict, "--output" in found.told) == ("error", True)
    assert not any(store.objects.values())


class _Undeletable(MemoryStore):
    """A store that denies deletion, as without s3:DeleteObject."""

    def delete(self, uri: str) -> None:
        raise ObjectDenied(f"access to {uri} was denied")


def test_a_denied_delete_is_only_a_warning() -> None:
    store = _Undeletable("transcripts")
    found = write_below(store, "s3://transcripts/")
    (left,) = store.list("s3://transcripts/")
    assert (found.verdict, f"{left.uri} stays" in found.told) == ("warning", True)
    assert "s3:DeleteObject" in found.advice
