"""Whether pages of an Ogg file are damaged or missing: FFmpeg skips such pages silently.

A page has a checksum, and a number that counts the pages of its stream. If the recorder paused, the
numbers go on. Its time is that of the end of its last packet; after a gap, FFmpeg counts on from
the packets before the gap until the next page. Source: RFC 3533, section 6.
"""

import itertools
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from av.audio.stream import AudioStream
from av.packet import Packet

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_CAPTURE = b"OggS"
_HEADER_BYTES = 27
_MAX_PAGE_BYTES = _HEADER_BYTES + 255 + 255 * 255
_LONGEST_LAG_S = 0.5
"""With a longer one, the first page follows a gap: Opus has one of 80 ms at most."""
_MAX_PAGES = 10_000
"""Pages that are checked in one gap, or before the first audio; damaged pages of a whole file."""
_LATE_S = 60
"""If the first page of a stream ends later, the stream began before the recording."""
_IS_FIRST = 2
"""Flag of the first page of a stream."""
_OPUS_RATE = 48_000
"""Of its granule positions, whatever the rate of the recording. Source: RFC 7845, section 4."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits reversed."""


class _Page(NamedTuple):
    stream: bytes
    """Serial number of its stream."""
    number: int
    time: int
    """Granule position; -1 if no packet ends in the page."""
    size_bytes: int


class _Stream(NamedTuple):
    rate: int
    """Units of its granule positions per second."""
    begin: int = 0
    """Granule position at which its sound begins."""
    end: int = 0

    def until(self, time: int, *, is_after_damage: bool) -> "_Stream":
        """The stream with another page; a recording of a live stream begins at any time."""
        is_late = not (self.end or is_after_damage) and time > _LATE_S * self.rate
        return self._replace(begin=time if is_late else self.begin, end=max(self.end, time))

    @property
    def seconds(self) -> float:
        return max(0, self.end - self.begin) / self.rate


class PacketTimes:
    """Corrects the timestamps of the packets in the page after a gap, by the time of the page."""

    def __init__(self, source: DecoderInput) -> None:
        """Create it for one audio stream of a file."""
        self._source = source
        self._before: int | None = None
        """File offset of the page before the current one."""
        self._lag = 0
        """Time of a page without a gap before it, less the timestamp of the end of its packets."""

    def corrected(
        self, packets: Iterator["Packet[AudioStream]"]
    ) -> Iterator["Packet[AudioStream]"]:
        """The same packets; those of a page are held until its last one has been read."""
        for at, packets_of_page in itertools.groupby(packets, lambda packet: packet.pos):
            if at is None:
                yield from packets_of_page
                continue
            held = list(packets_of_page)
            self._correct(at, held)
            yield from held

    def _correct(self, at: int, packets: list["Packet[AudioStream]"]) -> None:
        page = _page(self._source.read_at(at, _MAX_PAGE_BYTES))
        last = packets[-1]
        if page is None or page.time < 0 or last.pts is None:
            return
        lag = page.time - last.pts - (last.duration or 0)
        if self._before is None:
            follows_gap = lag * last.time_base > _LONGEST_LAG_S
        else:
            follows_gap = is_damaged_between(self._source, self._before, at)
        self._before = at
        if not follows_gap:
            self._lag = lag
            return
        time = page.time - self._lag
        for packet in reversed(packets):
            time -= packet.duration or 0
            packet.pts = packet.dts = time


def is_damaged_between(source: DecoderInput, begin: int, end: int) -> bool:
    """Whether pages are damaged or missing.

    Args:
        source: the file.
        begin: file offset of the page before the gap.
        end: file offset of the page after it.
    """
    numbers: dict[bytes, int] = {}
    at = begin
    for _ in range(_MAX_PAGES):
        if at > end:
            return True
        page = _page(source.read_at(at, _MAX_PAGE_BYTES))
        if page is None or page.number != numbers.get(page.stream, page.number):
            return True
        if at == end:
            return False
        numbers[page.stream] = page.number + 1 & 0xFFFFFFFF
        at += page.size_bytes
    return False


def start_seconds(source: DecoderInput, first_at: int, start_s: float) -> float:
    """Start of a recording in s: that of its first audio page, unless pages before it are damaged.

    Args:
        source: the file.
        first_at: file offset of the first audio page that FFmpeg reads.
        start_s: the timestamp of that page, in s.
    """
    return min(0.0, start_s) if begins_damaged(source, first_at) else start_s


def begins_damaged(source: DecoderInput, first_at: int) -> bool:
    """Whether pages before the first audio page are damaged.

    Pages may be missing: who listens to a stream receives its headers, then the pages of the time.

    Args:
        source: the file.
        first_at: file offset of the first audio page that FFmpeg reads.
    """
    at = source.read_at(0, _MAX_PAGE_BYTES).find(_CAPTURE)
    for _ in range(_MAX_PAGES):
        if not 0 <= at < first_at:
            return at != first_at
        source.touch()
        page = _page(source.read_at(at, _MAX_PAGE_BYTES))
        if page is None:
            return True
        at += page.size_bytes
    return False


def chained_seconds(source: DecoderInput) -> float | None:
    """Duration of all recordings of an Ogg file, of which FFmpeg's is that of the last one.

    Streams that begin together are one recording, as long as its longest stream. None if there is
    no Opus, Vorbis, Speex or FLAC stream. Damaged pages are skipped, up to _MAX_PAGES in all.
    """
    recordings: list[dict[bytes, _Stream]] = []
    at, damaged, is_header, is_damaged = 0, 0, False, False
    while at < source.size_bytes and damaged < _MAX_PAGES:
        source.touch()
        body = source.read_at(at, _MAX_PAGE_BYTES)
        if (page := _page(body)) is None:
            at, damaged, is_damaged = source.find(_CAPTURE, at + 1), damaged + 1, True
            continue
        if body[5] & _IS_FIRST:
            if not is_header:
                recordings.append({})
                is_damaged = False
            if stream := _stream(body):
                recordings[-1][page.stream] = stream
        is_header = bool(body[5] & _IS_FIRST)
        if recordings and (known := recordings[-1].get(page.stream)):
            recordings[-1][page.stream] = known.until(page.time, is_after_damage=is_damaged)
        at += page.size_bytes
    lengths = [max(one.seconds for one in streams.values()) for streams in recordings if streams]
    return sum(lengths) if lengths else None


def _stream(body: bytes) -> _Stream | None:
    """The stream that begins with this page; None if its codec is another one."""
    header = body[_HEADER_BYTES + body[26] :]
    if header.startswith(b"OpusHead"):
        return _Stream(_OPUS_RATE, begin=int.from_bytes(header[10:12], "little"))
    if header.startswith(b"\x7fFLAC") and (rate := int.from_bytes(header[27:30], "big") >> 4):
        return _Stream(rate)
    for name, rate_at in ((b"\1vorbis", 12), (b"Speex   ", 36)):
        rate = int.from_bytes(header[rate_at : rate_at + 4], "little")
        if header.startswith(name) and rate:
            return _Stream(rate)
    return None


def _page(body: bytes) -> _Page | None:
    """The page at the start of these bytes; None if it is damaged."""
    if len(body) < _HEADER_BYTES or not body.startswith(_CAPTURE):
        return None
    content_at = _HEADER_BYTES + body[26]
    size = content_at + sum(body[_HEADER_BYTES:content_at])
    checksum = int.from_bytes(body[22:26], "little")
    if len(body) < size or _checksum(body[:22] + bytes(4) + body[26:size]) != checksum:
        return None
    number, time = int.from_bytes(body[18:22], "little"), body[6:14]
    return _Page(body[14:18], number, int.from_bytes(time, "little", signed=True), size)


def _checksum(body: bytes) -> int:
    """CRC-32 of Ogg: the polynomial of zlib with the bits of all bytes in reverse order."""
    crc = zlib.crc32(body.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)
