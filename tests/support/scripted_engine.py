"""An engine that hears what it was told to, so that tests need no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import MAX_SEGMENT_S
from funasr_fleet.worker.engine.interface import Clip, Hints, Identity, Samples, SpeakerEmbeddings
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span, clamp
from tests.support.examples import a_word

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
    """See worker.engine.interface.Engine."""

    script: dict[Span, str] = field(
        default_factory=lambda: {Span(100, 400): "three nine", Span(600, 900): "zero"}
    )
    """What is said where, the same in every file."""
    failures: dict[int, Exception] = field(default_factory=dict)
    """Raised by the n-th search for speech, from 0."""
    deaf: dict[int, Exception] = field(default_factory=dict)
    """Raised by the n-th listener at its first block, from 0."""
    on_listen: Callable[[], object] = lambda: None
    """Called when another file is listened to."""
    listeners: int = 0
    """How many have begun."""
    unheard: dict[float, Exception] = field(default_factory=dict)
    """Raised by the recogniser for batches that hold a clip as loud as this."""
    voiceless: Exception | None = None
    """Raised when voices are asked for."""
    identity: Identity = IDENTITY
    lengths_ms: list[int] = field(default_factory=list)
    """How long each audio was that speech was looked for in."""
    loudness: list[float] = field(default_factory=list)
    """The loudest sample of each."""
    hints: list[Hints] = field(default_factory=list)
    abilities: Abilities = EVERYTHING
    longest_s: float = MAX_SEGMENT_S
    speaker_counts: list[int | None] = field(default_factory=list)
    """What was asked for with each recording's voices."""
    groups: list[int] = field(default_factory=list)
    """How many clips were recognised together."""

    @property
    def fast_paths(self) -> dict[str, bool]:
        """See Engine."""
        return {"detector": True, "recogniser": False}

    def start_vad(self) -> "ScriptedListener":
        """See Engine."""
        self.listeners += 1
        self.on_listen()
        return ScriptedListener(self, self.deaf.get(self.listeners - 1))

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Engine."""
        self.hints.append(hints)
        self.groups.append(len(clips))
        for clip in clips:
            assert len(clip.samples) // SAMPLES_PER_MS == clip.span.length_ms
            if error := self.unheard.get(round(float(clip.samples.max()), 1)):
                raise error
        return [_hear(self.script[clip.span]) for clip in clips]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Engine."""
        return list(texts)

    def embed_speakers(self, clips: Sequence[Clip]) -> list[SpeakerEmbeddings]:
        """See Engine."""
        if self.voiceless:
            raise self.voiceless
        return [np.array([clip.span.start_ms], np.float32) for clip in clips]

    def cluster_speakers(
        self,
        embeddings: Sequence[SpeakerEmbeddings],
        count: int | None = None,
        seconds: Sequence[float] = (),
    ) -> list[list[str]]:
        """See Engine."""
        self.speaker_counts.append(count)
        return [[str(number)] for number in range(len(embeddings))]

    def hold_threads(self) -> int:
        """See Engine."""
        return THREADS

    def on_device(self) -> bool:
        """See Engine."""
        return True

    def memory_bytes(self) -> dict[str, int]:
        """See Engine."""
        return {}


@dataclass
class ScriptedListener:
    """See worker.engine.interface.StreamingVad."""

    engine: ScriptedEngine
    deaf: Exception | None = None
    blocks: list[Samples] = field(default_factory=list)

    def push(self, block: Samples) -> list[Clip]:
        """See StreamingVad."""
        if self.deaf:
            raise self.deaf
        self.blocks.append(block)
        return []

    def flush(self) -> list[Clip]:
        """See StreamingVad."""
        engine, samples = self.engine, np.concatenate(self.blocks)
        if error := engine.failures.get(len(engine.lengths_ms)):
            engine.lengths_ms.append(0)
            raise error
        engine.lengths_ms.append(len(samples) // SAMPLES_PER_MS)
        engine.loudness.append(float(abs(samples).max()))
        spans = [one for one in engine.script if clamp(one, engine.lengths_ms[-1]) == one]
        return [Clip(span, samples[span.samples]) for span in spans]


def _hear(text: str) -> Recognition:
    """Every word 50 ms long, one behind the other."""
    words = (a_word(word, 50 * n, 50 * n + 50) for n, word in enumerate(text.split()))
    return Recognition(text=text, words=tuple(words))
