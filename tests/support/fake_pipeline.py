"""A pipeline over a store in memory and an engine that returns a script."""

import functools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import MAX_SEGMENT_S, AudioRef, Shard
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.engine.interface import Clip, Hints, Identity, Samples, SpeakerEmbeddings
from funasr_fleet.worker.events import Event, FileFinished, ignore
from funasr_fleet.worker.pipeline.fetch import Fetcher
from funasr_fleet.worker.pipeline.pipeline import Pipeline
from funasr_fleet.worker.pipeline.timers import RecognitionSpeed
from funasr_fleet.worker.process.heartbeat import NO_LIMITS, TimeLimits, Touch
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span, clamp
from tests.support.audio import Planes, tone, wav
from tests.support.examples import OUTPUT, a_word, who
from tests.support.stores import WatchedStore

THREADS = 2
EVERYTHING = Abilities(word_times=True, hotwords=True, itn=True, punctuation=True, speakers=True)
IDENTITY = Identity(
    model="scripted",
    model_revision="sha256:m",
    funasr="1.4.16",
    torch="2.13.0",
    device="cpu",
    precision="fp32",
)


@dataclass
class ScriptedEngine:
    """An Engine that recognises its script, the same in every file."""

    script: dict[Span, str] = field(
        default_factory=lambda: {Span(100, 400): "three nine", Span(600, 900): "zero"}
    )
    """Words with their times, the same in every file."""
    failures: dict[int, Exception] = field(default_factory=dict)
    """Raised by the n-th VAD run, from 0."""
    deaf: dict[int, Exception] = field(default_factory=dict)
    """Raised by the n-th VAD at its first block, from 0."""
    on_listen: Callable[[], object] = lambda: None
    """Called when the VAD starts a file."""
    on_recognise: Callable[[], object] = lambda: None
    """Called in each call of the recogniser, after its hints are recorded."""
    listeners: int = 0
    """Number of VAD runs started."""
    recognition_errors: dict[float, Exception] = field(default_factory=dict)
    """Raised by the recogniser for batches with a clip of this loudness."""
    voiceless: Exception | None = None
    """Raised when speaker embeddings are requested."""
    identity: Identity = IDENTITY
    lengths_ms: list[int] = field(default_factory=list)
    """Duration of each audio that the VAD processed."""
    loudness: list[float] = field(default_factory=list)
    """The loudest sample of each of these audios."""
    hints: list[Hints] = field(default_factory=list)
    abilities: Abilities = EVERYTHING
    longest_s: float = MAX_SEGMENT_S
    speaker_counts: list[int | None] = field(default_factory=list)
    """Arguments of each speaker clustering."""
    groups: list[int] = field(default_factory=list)
    """Number of clips in each batch."""

    @property
    def fast_paths(self) -> dict[str, bool]:
        return {"detector": True, "recogniser": False}

    def start_vad(self) -> "ScriptedVad":
        self.listeners += 1
        self.on_listen()
        return ScriptedVad(self, self.deaf.get(self.listeners - 1))

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        self.hints.append(hints)
        self.groups.append(len(clips))
        self.on_recognise()
        for clip in clips:
            assert len(clip.samples) // SAMPLES_PER_MS == clip.span.length_ms
            if error := self.recognition_errors.get(round(float(clip.samples.max()), 1)):
                raise error
        return [_recognition(self.script[clip.span]) for clip in clips]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        return list(texts)

    def embed_speakers(self, clips: Sequence[Clip]) -> list[SpeakerEmbeddings]:
        if self.voiceless:
            raise self.voiceless
        return [np.array([clip.span.start_ms], np.float32) for clip in clips]

    def cluster_speakers(
        self,
        embeddings: Sequence[SpeakerEmbeddings],
        count: int | None = None,
        seconds: Sequence[float] = (),
    ) -> list[list[str]]:
        self.speaker_counts.append(count)
        return [[str(number)] for number in range(len(embeddings))]

    def hold_threads(self) -> int:
        return THREADS

    def on_device(self) -> bool:
        return True

    def memory_bytes(self) -> dict[str, int]:
        return {}


@dataclass
class ScriptedVad:
    """A StreamingVad that finds the spans of the script at the end of the audio."""

    engine: ScriptedEngine
    deaf: Exception | None = None
    blocks: list[Samples] = field(default_factory=list)

    def push(self, block: Samples) -> list[Clip]:
        if self.deaf:
            raise self.deaf
        self.blocks.append(block)
        return []

    def flush(self) -> list[Clip]:
        engine, samples = self.engine, np.concatenate(self.blocks)
        if error := engine.failures.get(len(engine.lengths_ms)):
            engine.lengths_ms.append(0)
            raise error
        engine.lengths_ms.append(len(samples) // SAMPLES_PER_MS)
        engine.loudness.append(float(abs(samples).max()))
        spans = [one for one in engine.script if clamp(one, engine.lengths_ms[-1]) == one]
        return [Clip(span, samples[span.samples]) for span in spans]


def _recognition(text: str) -> Recognition:
    """Consecutive words of 50 ms each."""
    words = (a_word(word, 50 * n, 50 * n + 50) for n, word in enumerate(text.split()))
    return Recognition(text=text, words=tuple(words))


NOW = "2026-11-22T12:00:00Z"


def wait_for(is_true: Callable[[], object], deadline_s: float = 60.0) -> bool:
    """Wait until a condition is true; False if it is not within the deadline."""
    end = time.monotonic() + deadline_s
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@functools.cache
def decoders() -> DecoderPool:
    """The decoder processes of this test process."""
    return DecoderPool(1, ignore)


@dataclass
class Workbench:
    """A child with its pipeline."""

    store: WatchedStore = field(default_factory=lambda: WatchedStore("in", "out"))
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    max_audio_s: float = 30
    ahead: bool = False
    """As on a GPU: VAD runs while earlier files are recognised."""
    speed: RecognitionSpeed = field(default_factory=RecognitionSpeed)
    stop: Callable[[], bool] = lambda: False
    """Whether no further file is to be started."""
    time_limits: TimeLimits = NO_LIMITS
    touch: Touch = ignore
    events: list[Event] = field(default_factory=list)
    recorded: list[tuple[int | None, Outcome, int]] = field(default_factory=list)
    """Index, outcome and audio in ms, as recorded in the ledger."""
    in_progress_ms: list[int] = field(default_factory=list)
    """Recognised audio of unfinished files, as reported every second."""

    @property
    def pipeline(self) -> Pipeline:
        fetcher = Fetcher(
            store=self.store,
            decoders=decoders(),
            model_revision=self.engine.identity.model_revision,
            abilities=self.engine.abilities,
            limits=Limits(audio_s=self.max_audio_s),
            time_limits=self.time_limits,
            touch=self.touch,
        )
        return Pipeline(
            engine=self.engine,
            observe=self.observe,
            fetcher=fetcher,
            vad_ahead=self.ahead,
            now=lambda: NOW,
            speed=self.speed,
        )

    def upload(self, key: str, planes: Planes | None = None) -> str:
        """Put a tone of one second, or other samples, into the bucket `in`."""
        return self.upload_bytes(key, wav(tone(1) if planes is None else planes))

    def upload_bytes(self, key: str, body: bytes) -> str:
        """Put bytes into the bucket `in`; return the address."""
        uri = f"s3://in/{key}"
        super(WatchedStore, self.store).write(uri, body, "")
        return uri

    def run(self, shard: Shard, attempt: int = 1, retries: int = 0) -> None:
        self.pipeline.run(
            shard,
            who(attempt, retries, shard.job),
            self._record,
            self.stop,
            report=self.in_progress_ms.append,
        )

    def _record(self, ref: AudioRef, file: FileFinished) -> None:
        self.recorded.append((ref.index, file.outcome, round(file.audio_s * 1000)))

    def observe(self, event: Event) -> None:
        self.events.append(event)

    @property
    def finished(self) -> list[FileFinished]:
        return [event for event in self.events if isinstance(event, FileFinished)]

    @property
    def outcomes(self) -> list[Outcome]:
        return [event.outcome for event in self.finished]

    def document(self, name: str) -> Any:
        """A JSON document below the output prefix."""
        return json.loads(self.store.objects["out"][OUTPUT.removeprefix("s3://out/") + name])

    def outputs(self) -> list[str]:
        return sorted(key.removeprefix("prefix/") for key in self.store.objects["out"])
