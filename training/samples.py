"""Creates the audio files of the demo, and `references.json` with their reference texts."""

import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np

from training.augment import set_peak
from training.clips import CLIPS, SEED, Clip, Expectation, reference_text, spoken_in
from training.formats import Packing
from training.scenes import Plan, compose
from training.sound import decode, encode
from training.speak import SAMPLE_RATE_HZ, Samples

SILENCE_SECONDS = 5
NOT_AUDIO = b"This is a text file. Somebody gave it the wrong name, as somebody always does.\n"
PICTURE_SIDE, PICTURES_PER_SECOND = 64, 2


def write_samples(folder: Path) -> None:
    """Write all samples and the references; existing files are replaced."""
    references: dict[str, dict[str, str | None]] = {}
    for clip in CLIPS:
        _write_clip(folder / clip.file, clip, _sound_of(clip))
        references[clip.file] = _reference(reference_text(clip), clip.language, "ok")
    silence = np.zeros(SILENCE_SECONDS * SAMPLE_RATE_HZ, np.float32)
    silent = folder / "silence.flac"
    encode(silent, silence, Packing(container="flac", codec="flac", rate_hz=16_000))
    references["silence.flac"] = _reference("", None, "empty")
    (folder / "not-audio.mp3").write_bytes(NOT_AUDIO)
    references["not-audio.mp3"] = _reference("", None, "failed")
    document = json.dumps(references, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "references.json").write_text(document + "\n", encoding="utf-8")


def _reference(text: str, language: str | None, expect: Expectation) -> dict[str, str | None]:
    return {"text": text, "language": language, "expect": expect}


def _sound_of(clip: Clip) -> Samples:
    """Return the clip's utterances with pauses of 0.7 to 2.5 s and mild noise."""
    index = CLIPS.index(clip)
    utterances = spoken_in(clip)
    gaps = np.random.default_rng([SEED, index]).integers(700, 2500, len(utterances) + 1)
    plan = Plan(
        seed=SEED,
        index=index,
        utterances=utterances,
        gaps_ms=(400, *(int(gap) for gap in gaps[1:-1]), 600),
        snr_db=(22, 45),
    )
    return set_peak(compose(plan).samples, peak_db=-3)


def _write_clip(target: Path, clip: Clip, samples: Samples) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    sound: Path | io.BytesIO = io.BytesIO() if clip.picture else target
    encode(sound, samples, clip.packing)
    if isinstance(sound, io.BytesIO):
        _add_picture(sound, target, clip.packing.container)


def _add_picture(sound: io.BytesIO, target: Path, container: str) -> None:
    """Mux the audio with a grey picture, so that the file is a video."""
    sound.seek(0)
    seconds = len(decode(sound)) / SAMPLE_RATE_HZ
    sound.seek(0)
    with av.open(sound) as source, av.open(str(target), "w", container) as out:
        video: Any = out.add_stream("mpeg4", rate=PICTURES_PER_SECOND)
        video.width = video.height = PICTURE_SIDE
        video.pix_fmt = "yuv420p"
        audio = out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = audio
                out.mux(packet)
        grey = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), 128, np.uint8)
        for _ in range(int(seconds * PICTURES_PER_SECOND)):
            out.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(video.encode(None))
