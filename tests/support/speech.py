"""Made-up speech: transcripts from Hypothesis, and speaker embeddings of a dialogue."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import AudioInfo, Segment, Transcript, Word
from funasr_fleet.worker.engine.diarization import cluster_speakers
from funasr_fleet.worker.engine.interface import SpeakerEmbeddings
from funasr_fleet.worker.formats.cue_timing import Cue
from funasr_fleet.worker.formats.lines import MOST_COLUMNS, columns
from funasr_fleet.worker.text.alignment import split_pieces
from tests.support.examples import a_receipt, a_transcript

unhurried = settings(deadline=None, max_examples=60)
"""Hypothesis settings for slow imports and busy machines."""

TOKENS = [
    *("three", "nine", "zero", "Hello,", "it's", "end.", "a", "I", "1", "42", "-", "..."),
    *("你好", "世界。", "\uff0c", "很长的一句话", "カッパ", "コーヒー", "한국", "café", "नमस्ते"),
    *("-->", "<b>", "&", "{\\an8}", '"quoted"', "(a", "b)", "\n\n", "\u2028", "\t"),
    *('said "go', "¿qué", "¡Sí!", "#tag", "Oui ?!", "אבג", "שלום\u200f.", "مرحبا،", "نعم؟", "हाँ।"),
    *("ภาษาไทยเขียนโดยไม่มีช่องว่างระหว่างคำในประโยคเดียวกันแม้จะยาวมากก็ตาม", "เเเเ" * 20, "ได้ๆ"),
    *("👩🏽‍💻👍🏽🇫🇷", "👨‍👩‍👧‍👦" * 12, "🇩🇪" * 25, "0" * 90, "https://example.com/" + "a/b-c" * 15),
    *("Donaudampfschifffahrtsgesellschaftskapitaensmuetze", "this—and—that—" * 5),
]
TEXTS = (
    st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from(["", " ", " "])), max_size=60)
    .map(lambda said: "".join(map("".join, said)).strip())
    .filter(bool)
)


@st.composite
def segments(draw: st.DrawFn, earliest_ms: int, speakers: bool) -> Segment:
    """A segment that starts at or after earliest_ms."""
    start_ms = earliest_ms + draw(st.sampled_from([0, 0, 1, 300, 9_000]))
    length_ms = draw(st.integers(60, 40_000))
    text = draw(TEXTS)
    tokens = [re.sub(r"[^\w']", "", piece).lower() for piece in split_pieces(text)]
    if draw(st.integers(0, 3)) == 0:
        tokens = [draw(st.sampled_from(["other", "five", "嗯", word])) for word in tokens]
    times = sorted(draw(st.lists(st.integers(0, length_ms), min_size=8, max_size=8)))
    edges = [times[0] + (times[-1] - times[0]) * i // len(tokens) for i in range(len(tokens) + 1)]
    words = tuple(
        Word(text=word, start_ms=start_ms + edges[i], end_ms=start_ms + edges[i + 1])
        for i, word in enumerate(tokens)
        if word
    )
    return Segment(
        start_ms=start_ms,
        end_ms=start_ms + length_ms,
        text=text,
        words=words if draw(st.booleans()) else None,
        confidence=draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
        speaker=draw(st.sampled_from(["A", "B b", '"<&>"', None])) if speakers else None,
    )


@st.composite
def transcripts(
    draw: st.DrawFn, *, together: bool = False, speakers: bool = False, asked: bool = False
) -> Transcript:
    """Consecutive segments, or overlapping ones with several speakers."""
    said: list[Segment] = []
    for _ in range(draw(st.integers(0, 4))):
        after_ms = max((one.end_ms for one in said), default=0)
        earliest_ms = draw(st.integers(0, after_ms)) if together else after_ms
        said.append(draw(segments(earliest_ms, speakers)))
    end_ms = max((one.end_ms for one in said), default=0) + draw(st.sampled_from([0, 1, 5_000]))
    duration_ms = draw(st.sampled_from([None, end_ms]))
    return a_transcript(
        *sorted(said, key=lambda one: one.start_ms),
        audio=AudioInfo(uri="s3://in/calls/a b.wav", duration_ms=duration_ms),
        receipt=a_receipt(options={"timestamps": "word"} if asked else {}),
    )


def squeezed(*texts: str) -> str:
    """Texts without spaces, which line breaking must not change."""
    return "".join("".join(texts).split())


def check_lines(lines: tuple[str, ...]) -> None:
    """Check that there are at most two lines, and none too wide."""
    assert 1 <= len(lines) <= 2
    for line in lines:
        assert line == " ".join(line.split())
        assert line
        assert columns(line) <= MOST_COLUMNS


def check_times(cues: list[Cue], audio_ms: int) -> None:
    """Check that cues are ordered, do not overlap and are inside the audio."""
    times = [time for cue in cues for time in (cue.start_ms, cue.end_ms)]
    assert times == sorted(times)
    assert times == list(accumulate(times, max, initial=0))[1:]
    assert all(cue.start_ms < cue.end_ms for cue in cues)
    assert all(0 <= time <= audio_ms for time in times)


def speaker_embeddings(
    who: Sequence[int], windows: int = 1, noise: float = 1.0, seed: int = 1
) -> list[SpeakerEmbeddings]:
    """Embeddings of distant speakers, each window with noise of the same magnitude."""
    lots = np.random.default_rng(seed)
    speakers = np.linalg.qr(lots.normal(size=(192, max(who) + 1)))[0].T
    shape = (len(who), windows, 192)
    tokens = speakers[list(who)][:, None] + noise * lots.normal(size=shape) / 192**0.5
    return list(tokens.astype(np.float32))


def random_turns(speakers: int, turns: int, seed: int = 0) -> list[int]:
    return [int(one) for one in np.random.default_rng(seed).integers(speakers, size=turns)]


def one_to_one(labels: Sequence[str], who: Sequence[int]) -> bool:
    pairs = set(zip(labels, who, strict=True))
    return len(pairs) == len({label for label, _ in pairs}) == len({one for _, one in pairs})


def cluster_clips(
    voices: Sequence[SpeakerEmbeddings], count: int | None = None, seconds: Sequence[float] = ()
) -> list[str]:
    """The most frequent label of each speaker's windows."""
    by_window = cluster_speakers(voices, count, seconds)
    return [Counter(labels).most_common(1)[0][0] for labels in by_window]
