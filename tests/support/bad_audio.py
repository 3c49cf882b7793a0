"""Damaged files, files that refer to other files, and checks of their decoding."""

import contextlib
import ctypes
import functools
import math
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS
from tests.support.audio import Planes, as_file, encode, tone

SECONDS = 12.0
KINDS: dict[str, tuple[str, str, int, int, dict[str, str]]] = {
    "mp3 without Xing": ("mp3", "libmp3lame", 44_100, 1, {"write_xing": "0"}),
    "mp3": ("mp3", "libmp3lame", 44_100, 1, {}),
    "mp3 of 16 kHz": ("mp3", "libmp3lame", 16_000, 1, {"write_xing": "0", "id3v2_version": "0"}),
    "mp2": ("mp2", "mp2", 48_000, 1, {}),
    "adts": ("adts", "aac", 44_100, 1, {}),
    "adts of 16 kHz": ("adts", "aac", 16_000, 1, {}),
    "latm": ("latm", "aac", 44_100, 1, {}),
    "ac3": ("ac3", "ac3", 48_000, 1, {}),
    "ts with aac": ("mpegts", "aac", 44_100, 1, {}),
    "ts with mp3": ("mpegts", "libmp3lame", 44_100, 1, {}),
    "m4a": ("ipod", "aac", 44_100, 2, {}),
    "mp4 in fragments": ("mp4", "aac", 44_100, 1, {"movflags": "frag_keyframe+empty_moov"}),
    "ogg with opus": ("ogg", "libopus", 48_000, 1, {}),
    "ogg with flac": ("ogg", "flac", 16_000, 1, {}),
    "flac": ("flac", "flac", 16_000, 1, {}),
    "webm": ("webm", "libopus", 48_000, 1, {}),
    "mka with aac": ("matroska", "aac", 44_100, 1, {}),
    "flv": ("flv", "aac", 44_100, 1, {}),
    "amr": ("amr", "libopencore_amrnb", 8_000, 1, {}),
    "tta": ("tta", "tta", 44_100, 1, {}),
    "wavpack": ("wv", "wavpack", 44_100, 1, {}),
    "alac": ("ipod", "alac", 44_100, 1, {}),
    "caf with alac": ("caf", "alac", 44_100, 1, {}),
    "ms adpcm": ("wav", "adpcm_ms", 8_000, 1, {}),
    "ima adpcm": ("wav", "adpcm_ima_wav", 8_000, 1, {}),
    "g726": ("wav", "g726", 8_000, 1, {}),
    "mu-law": ("wav", "pcm_mulaw", 8_000, 1, {}),
    "wav": ("wav", "pcm_s16le", 16_000, 1, {}),
    "wav of 24 bits": ("wav", "pcm_s24le", 48_000, 2, {}),
    "wav of floats": ("wav", "pcm_f32le", 48_000, 1, {}),
    "w64": ("w64", "pcm_s16le", 16_000, 1, {}),
    "aiff": ("aiff", "pcm_s16be", 16_000, 1, {}),
    "au": ("au", "pcm_s16be", 16_000, 1, {}),
}
"""Container, codec, rate, channels, and options of the container."""


@functools.cache
def sound_file(kind: str, seconds: float = SECONDS) -> bytes:
    """A file of noise, without repetition."""
    container, codec, rate, channels, options = KINDS[kind]
    rng = np.random.default_rng(7)
    planes = rng.uniform(-0.3, 0.3, (channels, round(seconds * rate))).astype(np.float32)
    return encode(planes, container, codec, rate, at_once=rate, **options)


def damaged(body: bytes, size: int, seed: int, share: float | None = None) -> bytes:
    """Replace `size` bytes at this share of the file, or at a random position; 1 flips a bit.

    Random positions exclude the headers at the beginning and the last seconds, which are compared.
    """
    dice = random.Random(f"{size} {seed}")
    at = int(len(body) * (dice.uniform(0.05, 0.85) if share is None else share))
    hurt = bytes([body[at] ^ 1 << dice.randrange(8)]) if size == 1 else dice.randbytes(size)
    return body[:at] + hurt + body[at + size :]


@dataclass(frozen=True)
class Decoded:
    samples: NDArray[np.float32]
    """Samples of the mixed channels."""
    lost_ms: float
    silent_ms: float
    """Silence inserted for lost audio."""
    filled_ms: float
    """Silence inserted where the recording paused."""

    @property
    def seconds(self) -> float:
        """Duration including inserted silence."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def decoded_ms(self) -> float:
        """Duration of the decoded audio, without inserted silence."""
        return len(self.samples) / SAMPLES_PER_MS - self.silent_ms


def decoded(body: bytes) -> Decoded:
    pieces = list(decode_pieces(as_file(body)))
    samples: Planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    silent = sum(min(piece.lost, piece.planes.shape[1]) for piece in pieces)
    lost = sum(piece.lost for piece in pieces)
    filled = sum(piece.filled for piece in pieces)
    return Decoded(samples.mean(0), *(n / SAMPLES_PER_MS for n in (lost, silent, filled)))


@functools.cache
def whole(kind: str) -> Decoded:
    """Decode the undamaged file."""
    return decoded(sound_file(kind))


def drift_ms(kind: str, found: Decoded) -> float:
    """Delay of the file's last second against the original; infinite if it is missing."""
    reference = whole(kind).samples
    begin = len(reference) - SAMPLE_RATE - 2000
    wanted = reference[begin : begin + SAMPLE_RATE]
    size = 1 << (len(found.samples) + SAMPLE_RATE).bit_length()
    spectrum = np.fft.rfft(found.samples, size) * np.conj(np.fft.rfft(wanted, size))
    at = int(np.argmax(np.fft.irfft(spectrum, size)[: len(found.samples) - SAMPLE_RATE + 1]))
    excerpt = found.samples[at : at + SAMPLE_RATE]
    # a shift of half a sample, possible after resampling, reduces the correlation by a third
    alike = float(wanted @ excerpt / (np.linalg.norm(wanted) * np.linalg.norm(excerpt) + 1e-9))
    return (at - begin) / SAMPLES_PER_MS if alike > 0.5 else math.inf


_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def playlist(target: str) -> bytes:
    lines = ("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", "#EXTINF:2,", target)
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


def concat(target: str) -> bytes:
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def session(port: int) -> bytes:
    """An SDP description of a stream received on a port."""
    lines = ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0")
    return "\r\n".join([*lines, f"m=audio {port} RTP/AVP 0", ""]).encode()


def manifest(target: str) -> bytes:
    return f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1000">
<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>""".encode()


def movie_of_another_file(target: Path) -> bytes:
    """A MOV whose track refers to samples in another file (an alias in its dref)."""
    body = encode(tone(2), "mov", "pcm_s16le", 16_000)
    at = body.index(b"dref") - 4
    size = int.from_bytes(body[at : at + 4], "big")
    alias = _alias(bytes(target))
    dref = struct.pack(">I4sII", 16 + len(alias), b"dref", 0, 1) + alias
    changed = bytearray(body[:at] + dref + body[at + size :])
    for parent in _PARENTS:
        start = body.index(parent) - 4
        longer = int.from_bytes(body[start : start + 4], "big") + len(dref) - size
        changed[start : start + 4] = longer.to_bytes(4, "big")
    return bytes(changed)


def _alias(path: bytes) -> bytes:
    """An `alis` entry, with the field positions of libavformat/mov.c."""
    fixed = bytes(10) + b"\0" + bytes(27) + bytes(12) + b"\0" + bytes(63) + bytes(16)
    levels = struct.pack(">hh", -1, -1) + bytes(16)
    padded = path + bytes(len(path) % 2)
    paths = struct.pack(">hH", 2, len(padded)) + padded + struct.pack(">hH", -1, 0)
    rest = bytes(4) + fixed + levels + paths
    return struct.pack(">I4s", 8 + len(rest), b"alis") + rest


_IN_OPEN = 0x20


class WatchedFile:
    """Reports by inotify whether a file was opened, also by FFmpeg's own code."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._events, os.fsencode(path), _IN_OPEN) >= 0

    @property
    def was_opened(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._events, 4096))
        return False

    def close(self) -> None:
        os.close(self._events)


class ListeningServer:
    """Accepts and counts connections on the loopback, without an answer."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextlib.contextmanager
def watched(path: Path) -> Iterator[WatchedFile]:
    """Watch an existing file."""
    file = WatchedFile(path)
    try:
        yield file
    finally:
        file.close()


@contextlib.contextmanager
def listening() -> Iterator[ListeningServer]:
    """A server until the end of the block."""
    server = ListeningServer()
    try:
        yield server
    finally:
        server.close()
