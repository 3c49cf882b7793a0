"""A file of another kind behind the audio of a file, as in `cat a.m4a b.mp3`; FFmpeg skips it."""

import os
import re
from collections.abc import Callable, Iterator

import av
from av.container import InputContainer

from funasr_fleet.worker.audio.decoding.damage.ogg import chained_seconds
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.input_checks import LEAST_BYTES_PER_S
from funasr_fleet.worker.errors import FileFailure

_STARTS = re.compile(
    rb"fLaC\0\0\0\x22|OggS\0\x02|(?:RIFF|RF64)....WAVE|\x1a\x45\xdf\xa3|\0\0\0.ftyp"
    rb"|ID3[\x02-\x04]\0|FORM....AIF[FC]|caff\0\x01\0\0|#!AMR",
    re.DOTALL,
)
"""First bytes of FLAC, Ogg, WAV, Matroska, MP4, MP3 with a tag, AIFF, CAF and AMR. Files that begin
with a frame, such as ADTS and MP3 without a tag, are not found."""
_START_BYTES = 12
_BLOCK_BYTES = 1 << 20
_MAX_TRIES = 5
_LEAST_S = 0.1

Open = Callable[[DecoderInput], InputContainer]


def appended_seconds(source: DecoderInput, start: int, open_: Open) -> float | None:
    """Duration of a file that is appended to another; None if there is none.

    A file of the kind of the first one does not count, unless it is FLAC, Ogg or Matroska: see
    unread_rest for the others.

    Args:
        source: the whole file.
        start: offset of the last packet that was decoded, which may contain what follows.
        open_: opens a file with FFmpeg.
    """
    own = source.read_at(0, _START_BYTES)
    for tries, at in enumerate(_starts(source, max(start, 1))):
        begin = source.read_at(at, _START_BYTES)
        is_same = begin[:3] == own[:3] if begin[4:8] != b"ftyp" else own[4:8] == b"ftyp"
        if tries == _MAX_TRIES or (is_same and not begin.startswith((b"fLaC", b"OggS", b"\x1a"))):
            return None
        tail = DecoderInput(_Tail(source, at), source.touch)
        known_s = chained_seconds(tail) if begin.startswith(b"OggS") else None
        seconds = known_s or _seconds(tail, open_)
        seconds = min(seconds, tail.size_bytes / LEAST_BYTES_PER_S)
        if seconds >= _LEAST_S:
            return seconds
    return None


def _starts(source: DecoderInput, start: int) -> Iterator[int]:
    """Offsets from `start` on at which a file may begin."""
    while len(body := source.read_at(start, _BLOCK_BYTES)) >= _START_BYTES:
        source.touch()
        end = len(body) - _START_BYTES
        yield from (start + at.start() for at in _STARTS.finditer(body) if at.start() <= end)
        start += end + 1


def _seconds(tail: DecoderInput, open_: Open) -> float:
    """Duration of a file; 0 if FFmpeg cannot open it, or finds no audio or no duration."""
    try:
        with open_(tail) as container:
            return (container.duration or 0) / av.time_base if container.streams.audio else 0.0
    except (av.FFmpegError, FileFailure):
        return 0.0


class _Tail:
    """A file from an offset on, as a file of its own."""

    def __init__(self, source: DecoderInput, begin: int) -> None:
        self._source, self._begin = source, begin
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        size = self._source.size_bytes - self._begin
        self._at = offset + {os.SEEK_CUR: self._at, os.SEEK_END: size}.get(whence, 0)
        return self._at

    def read(self, size: int, /) -> bytes:
        body = self._source.read_at(self._begin + self._at, size)
        self._at += len(body)
        return body
