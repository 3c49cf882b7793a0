"""The engine that the pipeline calls. Implementations raise only errors of worker.errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS, Span

Samples = NDArray[np.float32]
"""Mono audio at 16 kHz, shape (samples,), in [-1, 1]."""

BLOCK_SAMPLES = 60 * SAMPLE_RATE
"""VAD receives audio in blocks of one minute, the chunk size of FunASR's own VAD."""


OnOom = Callable[[], None]
"""Called when the device's memory was too small, before the operation is retried."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A range of speech, cut out of the audio that contains it."""

    span: Span
    """Its position, in ms from the first sample passed to the VAD."""
    samples: Samples
    features: Any = None
    """Features that the engine has computed already; opaque to callers."""

    @property
    def seconds(self) -> float:
        """Length in s."""
        return len(self.samples) / SAMPLE_RATE


def as_clip(samples: Samples) -> Clip:
    """A clip of all samples, truncated to whole milliseconds."""
    length_ms = len(samples) // SAMPLES_PER_MS
    return Clip(Span(0, length_ms), samples[: length_ms * SAMPLES_PER_MS])


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a receipt records about the engine."""

    model: str
    """FLEET_MODEL as configured."""
    model_revision: str
    """sha256 over the files of all loaded models."""
    funasr: str
    """Version."""
    torch: str
    """Version."""
    device: str
    """torch's device string, such as cpu or cuda:0."""
    precision: str
    """fp32, bf16 or fp16."""


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Options of a request that the recogniser may use."""

    language: str | None = None
    hotwords: tuple[str, ...] = ()
    itn: bool | None = None
    """Inverse text normalisation: write numbers in digits. None: decided by the model."""
    word_times: bool = field(default=False, compare=False)
    """Whether word times are requested. Some models compute them only then; texts do not differ."""


SpeakerEmbeddings = NDArray[np.float32]
"""Speaker embeddings of one clip, one row per window, shape (windows, dimensions)."""


class StreamingVad(Protocol):
    """Detects speech in one audio as its blocks arrive."""

    def push(self, block: Samples) -> list[Clip]:
        """Process the next block and return the speech that has ended.

        Args:
            block: BLOCK_SAMPLES samples; the last block may be shorter.
        """

    def flush(self) -> list[Clip]:
        """End the audio and return the remaining speech."""


class Engine(Protocol):
    """The loaded models, on one device."""

    @property
    def identity(self) -> Identity:
        """What a receipt records about this engine."""

    @property
    def fast_paths(self) -> dict[str, bool]:
        """Fast path name -> whether it is used."""

    @property
    def abilities(self) -> Abilities:
        """The combined capabilities of the loaded models."""

    @property
    def longest_s(self) -> float:
        """The longest clip that the recogniser accepts, in s."""

    def start_vad(self) -> StreamingVad:
        """Start VAD of one audio. Its clips come in order of time and do not overlap."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """Recognise clips, possibly of several audios; one result per clip, in the same order."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Add punctuation to each text; texts are unchanged without a punctuation model."""

    def embed_speakers(self, clips: Sequence[Clip]) -> list[SpeakerEmbeddings]:
        """Compute the speaker embeddings of each clip, one row per window of 1.5 s."""

    def cluster_speakers(
        self,
        embeddings: Sequence[SpeakerEmbeddings],
        count: int | None = None,
        seconds: Sequence[float] = (),
    ) -> list[list[str]]:
        """Label each window of each clip of one recording; equal labels mean the same speaker.

        Args:
            embeddings: results of embed_speakers, in order of time.
            count: number of speakers, if known.
            seconds: length of each clip, if known.
        """

    def hold_threads(self) -> int:
        """Return torch's current thread count and reset it to the planned one."""

    def on_device(self) -> bool:
        """Whether every model parameter is still on the planned device."""

    def memory_bytes(self) -> dict[str, int]:
        """Device memory of this process: allocated and reserved; empty on a CPU."""


def find_speech(vad: StreamingVad, samples: Samples) -> list[Clip]:
    """All speech in an audio that is completely available."""
    blocks = (samples[at : at + BLOCK_SAMPLES] for at in range(0, len(samples), BLOCK_SAMPLES))
    return [clip for block in blocks for clip in vad.push(block)] + vad.flush()
