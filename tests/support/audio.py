"""Generated audio: tones, noise, files of every container, headers of large files."""

import io
import random
import struct
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
    """A sine in each channel, each with a different frequency."""
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
        at_once: samples per encoder call, by default all; large calls are slow.
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
    return io.BytesIO(body)


Samples = NDArray[np.float32]


def noise(seconds: float = 2.0, seed: int = 0) -> Samples:
    """Noise whose loudness varies four times a second, as in speech."""
    count = int(16000 * seconds)
    swell = np.sin(2 * np.pi * 4 * np.arange(count) / 16000) ** 2
    hiss = np.random.default_rng(seed).normal(size=count)
    return np.asarray(0.1 * swell * hiss, dtype=np.float32)


def silence(seconds: float = 1.0) -> Samples:
    return np.zeros(int(16000 * seconds), dtype=np.float32)


def blip() -> Samples:
    return noise(0.05)


MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
"""MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes for 1152 samples, silent."""


def silent_wav(
    size_bytes: int,
    *,
    codec: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    claimed_bytes: int | None = None,
    samples: int | None = None,
) -> bytes:
    """A WAV file of one silent channel; claimed_bytes replaces the size in its header.

    Without `samples` there is no `fact` chunk; codec 1 is PCM, which needs none.
    """
    length = size_bytes if claimed_bytes is None else claimed_bytes
    fact = b"" if samples is None else struct.pack("<4sII", b"fact", 4, samples)
    head = struct.pack("<4sI4s", b"RIFF", min(length + 36, 0xFFFFFFFF), b"WAVE")
    speed = rate * bits // 8
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, codec, 1, rate, speed, max(bits // 8, 1), bits)
    return head + fact + struct.pack("<4sI", b"data", length) + bytes(size_bytes)


def mp3(frames: int) -> bytes:
    """This number of frames of 26 ms."""
    return MP3_FRAME * frames


def mp3_of_varying_rate(frames: int) -> bytes:
    """Frames of 26 ms, randomly of 64 or 128 kbit/s, without a Xing header."""
    small = b"\xff\xfb\x50\x00" + bytes(204)
    chance = random.Random(0)
    return b"".join(chance.choice((small, MP3_FRAME)) for _ in range(frames))


def id3(size_bytes: int) -> bytes:
    """A tag with this number of bytes after its header."""
    return b"ID3\4\0\0" + bytes(size_bytes >> n & 0x7F for n in (21, 14, 7, 0)) + bytes(size_bytes)


def opus(seconds: int, page_bytes: int = 4_000, stream: int = 1) -> bytes:
    """An Ogg file with a page for each second."""
    begin = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 0, 48_000, 0, 0)
    pages = [_page(stream, begin, 0, 2), _page(stream, b"OpusTags" + bytes(8), 0)]
    sound = bytes(page_bytes)
    pages += [_page(stream, sound, 48_000 * n) for n in range(1, seconds)]
    return b"".join(pages) + _page(stream, sound, 48_000 * seconds, 4)


def _page(stream: int, packet: bytes, samples: int, flags: int = 0) -> bytes:
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, samples, stream, 0, 0, len(lacing))
    return head + lacing + packet
