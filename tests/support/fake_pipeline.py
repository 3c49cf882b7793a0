"""A pipeline over a store in memory and a scripted engine, and all that it says."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.storage.base import ObjectInfo, StoreError
from funasr_fleet.worker.audio.input_checks import Limits
from funasr_fleet.worker.events import Event, FileFinished, ignore
from funasr_fleet.worker.pipeline.fetch import Fetcher
from funasr_fleet.worker.pipeline.pipeline import Pipeline
from funasr_fleet.worker.process.heartbeat import NO_LIMITS, TimeLimits, Touch
from funasr_fleet.worker.text.batching import in_groups
from tests.support.examples import OUTPUT, who
from tests.support.memory_store import MemoryStore
from tests.support.scripted_engine import ScriptedEngine
from tests.support.sounds import Planes, tone, wav

NOW = "2026-11-22T12:00:00Z"


class WatchedStore(MemoryStore):
    """Remembers what was written and in which order; fails where it is told to."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.written: list[str] = []
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.downloads: list[str] = []
        self.failing_heads: dict[str, StoreError] = {}
        self.failing_reads: dict[str, Exception] = {}
        self.failing_writes: dict[str, StoreError] = {}

    def read(self, uri: str) -> bytes:
        self.asked.append(uri)
        if error := self.failing_reads.get(uri):
            raise error
        return super().read(uri)

    def head(self, uri: str) -> ObjectInfo:
        self.heads.append(uri)
        if error := self.failing_heads.get(uri):
            raise error
        return super().head(uri)

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        self.downloads.append(uri)
        return super().download(uri, into, limit_bytes)

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        if error := self.failing_writes.get(uri):
            raise error
        self.written.append(uri)
        return super().write(uri, body, content_type)


@dataclass
class Workbench:
    """One child at work."""

    store: WatchedStore = field(default_factory=lambda: WatchedStore("in", "out"))
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    max_audio_s: float = 30
    ahead: bool = False
    """As on a GPU: decode and listen while earlier files are recognised."""
    stop: Callable[[], bool] = lambda: False
    """Whether no further file is to be begun."""
    time_limits: TimeLimits = NO_LIMITS
    touch: Touch = ignore
    events: list[Event] = field(default_factory=list)
    recorded: list[tuple[int | None, Outcome, int]] = field(default_factory=list)
    """Index, outcome and audio in ms, as the ledger would take them."""

    @property
    def pipeline(self) -> Pipeline:
        """Freshly wired."""
        fetcher = Fetcher(
            store=self.store,
            model_revision=self.engine.identity.model_revision,
            abilities=self.engine.abilities,
            limits=Limits(audio_s=self.max_audio_s),
            ahead=self.ahead,
            time_limits=self.time_limits,
            touch=self.touch,
        )
        return Pipeline(engine=self.engine, observe=self.observe, fetcher=fetcher, now=lambda: NOW)

    def upload(self, key: str, planes: Planes | None = None) -> str:
        """Put a tone of one second, or other samples, into the bucket `in`."""
        return self.upload_bytes(key, wav(tone(1) if planes is None else planes))

    def upload_bytes(self, key: str, body: bytes) -> str:
        """Put any bytes there; return the address."""
        uri = f"s3://in/{key}"
        super(WatchedStore, self.store).write(uri, body, "")
        return uri

    def run(self, shard: Shard, attempt: int = 1, retries: int = 0) -> None:
        """Do the shard's work."""
        self.pipeline.run(shard, who(attempt, retries, shard.job), self._record, self.stop)

    def _record(self, ref: AudioRef, file: FileFinished) -> None:
        self.recorded.append((ref.index, file.outcome, round(file.audio_s * 1000)))

    def observe(self, event: Event) -> None:
        """Take note."""
        self.events.append(event)

    @property
    def finished(self) -> list[FileFinished]:
        """What was said of each file."""
        return [event for event in self.events if isinstance(event, FileFinished)]

    @property
    def outcomes(self) -> list[Outcome]:
        """How each file ended."""
        return [event.outcome for event in self.finished]

    def document(self, name: str) -> Any:
        """A JSON document below the output prefix."""
        return json.loads(self.store.objects["out"][OUTPUT.removeprefix("s3://out/") + name])

    def outputs(self) -> list[str]:
        """Names of all outputs."""
        return sorted(key.removeprefix("prefix/") for key in self.store.objects["out"])


def small_groups(things: Any, seconds: Any, **_: float) -> Any:
    """In place of in_groups: one clip, then two, then as many as make a second."""
    return in_groups(things, seconds, first_s=0.1, most_s=1.0)


def one_group(things: Any, seconds: Any, **_: float) -> Any:
    """In place of in_groups: everything together."""
    return in_groups(things, seconds, first_s=1e9)
