"""Load of a fleet on one Redis: connections, commands, memory and CPU time.

Real workers are idle, then work; the load on Redis is divided by the number of workers and shards.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.machine import describe_machine
from bench.messages import messages_per_second
from funasr_fleet import enqueue, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.embedded.process import adopt
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack, running_stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

_WORKERS = 3
_IDLE_S = 30.0
_SHARDS = 60
_FILES = 10
_AUDIO = "s3://audio/broker/pin-code.wav"
_DEADLINE_S = 600.0


@dataclass(frozen=True)
class Load:
    """Counters of Redis, or the difference between two times."""

    at_s: float
    connections: float
    commands: float
    cpu_s: float
    memory_bytes: float

    @classmethod
    def now(cls, client: Any) -> Self:
        """Read the counters from INFO; CPU time is that of the server only."""
        info = client.info()
        return cls(
            time.monotonic(),
            info["connected_clients"],
            info["total_commands_processed"],
            info["used_cpu_user"] + info["used_cpu_sys"],
            info["mem_clients_normal"],
        )

    def __sub__(self, other: "Load") -> "Load":
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Load(*(mine - others for mine, others in pairs))


@dataclass(frozen=True, kw_only=True)
class BrokerResult:
    """The output of `python -m bench broker --json`."""

    connections_per_worker: float
    """Connections of a worker with one slot."""
    memory_per_worker_kib: float
    """Memory of its connections."""
    idle_commands_per_worker_s: float
    """Commands per second of an idle worker."""
    idle_cpu_ms_per_worker_s: float
    """CPU time of Redis per second for an idle worker."""
    commands_per_shard: float
    commands_per_file: float
    """In addition to the commands of its shard."""
    cpu_ms_per_shard: float
    cpu_ms_per_file: float
    messages_per_s: float
    """Messages published, taken and acked by one process through Celery's transport."""
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return the result as text."""
        return (
            f"idle worker: {self.connections_per_worker} connections, "
            f"{self.memory_per_worker_kib} KiB, {self.idle_commands_per_worker_s} commands/s, "
            f"{self.idle_cpu_ms_per_worker_s} ms of Redis CPU time per second\n"
            f"shard: {self.commands_per_shard} commands, {self.cpu_ms_per_shard} ms; "
            f"file: {self.commands_per_file} commands, {self.cpu_ms_per_file} ms\n"
            f"one process publishes, takes and acks {self.messages_per_s} messages/s"
        )


def run_broker(directory: Path) -> BrokerResult:
    """Run the measurement; takes about four minutes."""
    with running_stack(directory, buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        client = connect(Settings.load())
        rate = messages_per_second(Settings.load())
        with (SAMPLES / "pin-code.wav").open("rb") as file:
            S3Store().upload(_AUDIO, file)
        with _workers(stack, directory, "first", 1):
            warm = _work(directory, "warm", 1, 1)
            before = Load.now(client)
            with _workers(stack, directory, "other", _WORKERS - 1):
                idle = _while(client, lambda: time.sleep(_IDLE_S))
                polling = _while(client, lambda: _poll(warm, _IDLE_S))
                single = _while(client, lambda: _work(directory, "single", _SHARDS, 1))
                connected = Load.now(client) - before
                many = _while(client, lambda: _work(directory, "many", _SHARDS, _FILES))
    shards = [_beyond(polling, load) for load in (single, many)]
    return _result(connected, idle, shards, rate)


def _result(
    connected: Load, idle: Load, shards: list[tuple[float, float]], rate: float
) -> BrokerResult:
    """Separate the cost of a shard and of a file by comparing shards of one and of many files."""
    files = [(more - less) / (_SHARDS * (_FILES - 1)) for less, more in zip(*shards, strict=True)]
    one = [total / _SHARDS - file for total, file in zip(shards[0], files, strict=True)]
    return BrokerResult(
        connections_per_worker=round(connected.connections / (_WORKERS - 1), 1),
        memory_per_worker_kib=round(connected.memory_bytes / (_WORKERS - 1) / 1024),
        idle_commands_per_worker_s=round(idle.commands / idle.at_s / _WORKERS, 1),
        idle_cpu_ms_per_worker_s=round(1000 * idle.cpu_s / idle.at_s / _WORKERS, 2),
        commands_per_shard=round(one[0], 1),
        commands_per_file=round(files[0], 1),
        cpu_ms_per_shard=round(1000 * one[1], 2),
        cpu_ms_per_file=round(1000 * files[1], 3),
        messages_per_s=round(rate),
        machine=describe_machine(),
    )


def _beyond(polling: Load, load: Load) -> tuple[float, float]:
    """Return commands and CPU time beyond those of idle workers and of this benchmark's polling."""
    share = load.at_s / polling.at_s
    return load.commands - share * polling.commands, load.cpu_s - share * polling.cpu_s


def _while(client: Any, act: Any) -> Load:
    before = Load.now(client)
    act()
    return Load.now(client) - before


@contextlib.contextmanager
def _workers(stack: Stack, directory: Path, name: str, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as running:
        for number in range(count):
            own = directory / f"{name}-{number}"
            own.mkdir(exist_ok=True)
            running.enter_context(LocalWorker(stack.environment, own)).wait_until_ready()
        yield


def _poll(job: str, seconds: float) -> None:
    """Poll as often as during the work, so that the cost of polling is subtracted as well."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        status(job)
        time.sleep(1.0)


def _work(directory: Path, name: str, shards: int, files: int) -> str:
    manifest = directory / f"{name}.jsonl"
    rows = ({"audio": _AUDIO, "id": f"{name}/{number}"} for number in range(shards * files))
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = f"s3://transcripts/broker/{name}/"
    limits = ShardLimits(files=files)
    job = enqueue([str(manifest)], output=output, limits=limits, overwrite=True).job
    give_up = time.monotonic() + _DEADLINE_S
    while status(job).counts.finished < shards * files:
        if time.monotonic() > give_up:
            raise TimeoutError(f"{job} is not done within {_DEADLINE_S:.0f} s")
        time.sleep(1.0)
    return job
