"""Checks before a worker starts: waiting for the broker, its port, its devices."""

import itertools
import socket
from collections.abc import Iterator

import pytest

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.worker.app import launch as boot
from funasr_fleet.worker.app.child_process import _gpu_of
from funasr_fleet.worker.process.hardware import DeviceUnavailable, Gpu, plan_slot


class Broker:
    """Answers from check number `answers_at` on; never if that is None."""

    def __init__(self, answers_at: int | None) -> None:
        self.answers_at = answers_at
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.answers_at is None or self.asked < self.answers_at:
            raise BrokerUnavailable("away")


@pytest.fixture
def clock() -> Iterator[float]:
    """A clock that advances one second per reading."""
    return iter(itertools.count(0.0, 1.0))


def test_a_broker_that_is_slow_to_start_is_waited_for(clock: Iterator[float]) -> None:
    broker, slept = Broker(answers_at=4), list[float]()
    boot._wait_for_broker(broker.check, lambda: next(clock), slept.append)
    assert (broker.asked, len(slept)) == (4, 3)


def test_a_broker_that_never_starts_is_an_error(clock: Iterator[float]) -> None:
    broker, slept = Broker(answers_at=None), list[float]()
    with pytest.raises(BrokerUnavailable):
        boot._wait_for_broker(broker.check, lambda: next(clock), slept.append)
    assert broker.asked == boot._BROKER_WAIT_S + 1


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadConfiguration, match=f"FLEET_METRICS_PORT {port} cannot be used"):
            boot.check_port("", port)


def test_an_address_of_another_machine_is_named_with_its_setting() -> None:
    with pytest.raises(BadConfiguration, match=r"on FLEET_METRICS_HOST 192\.0\.2\.1 \("):
        boot.check_port("192.0.2.1", 0)


def test_port_0_is_always_accepted() -> None:
    boot.check_port("", 0)


def _gpus(count: int) -> list[Gpu]:
    return [Gpu(index=n, name="H100", uuid=f"GPU-{n}", memory_bytes=1) for n in range(count)]


@pytest.mark.parametrize(
    ("devices", "gpus", "children"), [("auto", 2, 2), ("0", 2, 1), ("cpu", 0, 1), ("cpu,cpu", 0, 2)]
)
def test_there_is_one_child_per_device(
    monkeypatch: pytest.MonkeyPatch, devices: str, gpus: int, children: int
) -> None:
    monkeypatch.setattr(boot, "list_gpus", lambda: _gpus(gpus))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert boot.count_children(Settings(devices=devices)) == children


def test_cuda_visible_devices_restricts_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "list_gpus", lambda: _gpus(4))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    assert boot.count_children(Settings(devices="auto")) == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(DeviceUnavailable):
        boot.count_children(Settings(devices="auto", on_missing_gpu="fail"))


GPUS = [Gpu(index=n, name="H100", uuid=f"GPU-{n}{n}", memory_bytes=1) for n in range(12)]


@pytest.mark.parametrize(
    ("device", "uuid"),
    [
        ("cpu", None),
        ("0", "GPU-00"),
        ("11", "GPU-1111"),
        ("GPU-22", "GPU-22"),
        ("GPU-5", "GPU-55"),
        ("MIG-7", None),
    ],
)
def test_a_gpu_is_identified_by_number_or_uuid_prefix(device: str, uuid: str | None) -> None:
    found = _gpu_of(plan_slot(0, [device], 2, "auto"), GPUS)
    assert (found.uuid if found else None) == uuid
