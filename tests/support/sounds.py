"""Audio made for tests: tones, and files of every container that people upload."""

import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from funasr_fleet.worker.text.spans import SAMPLE_RATE

Planes = NDArray[np.float32]
"""Shape (channels, samples)."""
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def tone(seconds: float, *, rate: int = SAMPLE_RATE, channels: int = 1) -> Planes:
    """A sine in each channel, each at another pitch."""
    times = np.arange(round(seconds * rate)) / rate
    pitches = (200.0 + 100.0 * channel for channel in range(channels))
    return np.stack([0.3 * np.sin(2 * np.pi * hz * times) for hz in pitches]).astype(np.float32)


def encode(
    planes: Planes, container: str, codec: str, rate: int, *, at_once: int = 0, **options: str
) -> bytes:
    """The samples as a file, written by FFmpeg.

    Args:
        planes: the samples.
        container: FFmpeg's name of a format.
        codec: FFmpeg's name of an encoder.
        rate: samples per second.
        at_once: how many the encoder is given at a time, by default all; many take it long.
        options: those of the container.
    """
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=options) as output:
            stream = output.add_stream(codec, rate=rate, layout=LAYOUTS[len(planes)])
            for frame in (*_frames(planes, rate, at_once or planes.shape[1]), None):
                for packet in stream.encode(frame):
                    output.mux(packet)
        with open(file.name, "rb") as written:
            return written.read()


def _frames(planes: Planes, rate: int, size: int) -> Iterator[Any]:
    for at in range(0, planes.shape[1], max(size, 1)):
        piece = np.ascontiguousarray(planes[:, at : at + size])
        frame: Any = av.AudioFrame.from_ndarray(piece, format="fltp", layout=LAYOUTS[len(planes)])
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        yield frame


def wav(planes: Planes, rate: int = SAMPLE_RATE) -> bytes:
    """A file of 16-bit samples."""
    return encode(planes, "wav", "pcm_s16le", rate)


def as_file(body: bytes) -> io.BytesIO:
    """The bytes as an open file."""
    return io.BytesIO(body)
