"""Audio made for tests: tones, and files of every container that people upload."""

import io
import tempfile
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from worker.planning.spans import SAMPLE_RATE

Planes = NDArray[np.float32]
"""Shape (channels, samples)."""
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def tone(seconds: float, *, rate: int = SAMPLE_RATE, channels: int = 1) -> Planes:
    """A sine in each channel, each at another pitch."""
    times = np.arange(round(seconds * rate)) / rate
    pitches = (200.0 + 100.0 * channel for channel in range(channels))
    return np.stack([0.3 * np.sin(2 * np.pi * hz * times) for hz in pitches]).astype(np.float32)


def encode(planes: Planes, container: str, codec: str, rate: int, **options: str) -> bytes:
    """The samples as a file, written by FFmpeg; options are those of the container."""
    layout = LAYOUTS[len(planes)]
    frame: Any = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=options) as output:
            stream = output.add_stream(codec, rate=rate, layout=layout)
            for last in (frame, None):
                for packet in stream.encode(last):
                    output.mux(packet)
        with open(file.name, "rb") as written:
            return written.read()


def wav(planes: Planes, rate: int = SAMPLE_RATE) -> bytes:
    """A file of 16-bit samples."""
    return encode(planes, "wav", "pcm_s16le", rate)


def as_file(body: bytes) -> io.BytesIO:
    """The bytes as an open file."""
    return io.BytesIO(body)
