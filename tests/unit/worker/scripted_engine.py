"""An engine that hears what it was told to, so that tests need no model."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.unit.examples import a_word
from worker.engine.interface import Clip, Hints, Identity, Sound
from worker.planning.assembly import Recognition
from worker.planning.spans import SAMPLES_PER_MS, Span, clamp

THREADS = 2
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
    identity: Identity = IDENTITY
    lengths_ms: list[int] = field(default_factory=list)
    """How long each audio was that speech was looked for in."""
    loudness: list[float] = field(default_factory=list)
    """The loudest sample of each."""
    hints: list[Hints] = field(default_factory=list)
    _found: list[Span] = field(default_factory=list)

    @property
    def fast_paths(self) -> dict[str, bool]:
        """See Engine."""
        return {"detector": True, "recogniser": False}

    def find_speech(self, sound: Sound) -> list[Span]:
        """See Engine."""
        samples = sound.samples
        if error := self.failures.get(len(self.lengths_ms)):
            self.lengths_ms.append(0)
            raise error
        self.lengths_ms.append(len(samples) // SAMPLES_PER_MS)
        self.loudness.append(float(abs(samples).max()))
        self._found = [span for span in self.script if clamp(span, self.lengths_ms[-1]) == span]
        return list(self._found)

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Engine."""
        self.hints.append(hints)
        assert [len(clip.samples) // SAMPLES_PER_MS for clip in clips] == [
            span.length_ms for span in self._found
        ]
        return [_hear(self.script[span]) for span in self._found]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Engine."""
        return list(texts)

    def tell_speakers(self, clips: Sequence[Clip]) -> list[str]:
        """See Engine."""
        return [str(number) for number in range(len(clips))]

    def hold_threads(self) -> int:
        """See Engine."""
        return THREADS

    def on_device(self) -> bool:
        """See Engine."""
        return True

    def memory_bytes(self) -> dict[str, int]:
        """See Engine."""
        return {}


def _hear(text: str) -> Recognition:
    """Every word 50 ms long, one behind the other."""
    words = (a_word(word, 50 * n, 50 * n + 50) for n, word in enumerate(text.split()))
    return Recognition(text=text, words=tuple(words))
