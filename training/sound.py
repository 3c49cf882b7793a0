"""Decoding to and encoding from 16 kHz mono, with PyAV."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from training.formats import Packing
from training.speak import SAMPLE_RATE_HZ, Samples


def decode(source: Path | BinaryIO) -> Samples:
    """Decode the first audio stream as mono at 16 kHz; stereo is mixed down."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(source) if isinstance(source, Path) else source) as container:
        blocks = [
            block.to_ndarray().reshape(-1)
            for frame in _frames_then_end(container)
            for block in resampler.resample(frame)
        ]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _frames_then_end(container: Any) -> Iterator[Any]:
    yield from container.decode(audio=0)
    yield None


def encode(target: Path | BinaryIO, samples: Samples, packing: Packing) -> None:
    """Write mono 16 kHz samples in any format of PyAV."""
    file = str(target) if isinstance(target, Path) else target
    with av.open(file, "w", packing.container) as out:
        stream: Any = out.add_stream(packing.codec, rate=packing.rate_hz)
        stream.layout = "stereo" if packing.stereo else "mono"
        if packing.bits_per_second:
            stream.bit_rate = packing.bits_per_second
        resampler = av.AudioResampler(stream.format.name, stream.layout, packing.rate_hz)
        for frame in (*_audio_frames(samples), None):
            for block in resampler.resample(frame):
                out.mux(stream.encode(block))
        out.mux(stream.encode(None))


def _audio_frames(samples: Samples, block: int = 1024) -> Iterator[Any]:
    for start in range(0, len(samples), block):
        part = np.ascontiguousarray(samples[None, start : start + block])
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = start
        yield frame


def through_codec(samples: Samples, packing: Packing) -> Samples:
    """Encode and decode again: same length, with the artefacts of a lossy codec."""
    memory = io.BytesIO()
    encode(memory, samples, packing)
    memory.seek(0)
    decoded = decode(memory)[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))
