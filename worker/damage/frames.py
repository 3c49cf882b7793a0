"""Packets of a file -> its frames and the gaps between them."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from worker.damage.clock import Clock, Place
from worker.damage.evidence import NO_GAP, Evidence, Gap
from worker.damage.packets import adts_frames, is_pause, padding_bytes
from worker.damage.transport_stream import is_broken
from worker.damage.unread_bytes import SkippedBytes, UnreadBytes
from worker.decoder_input import DecoderInput

_WITHOUT_TIMESTAMPS = {"mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd"}
"""FFmpeg's names of elementary streams, whose packets it counts."""
_STREAMS = {"mpegts", "mpeg"}
"""Others that are cut out of a broadcast anywhere."""
_MOST_ERRORS = 100
"""Errors of a demuxer in a row, without a packet between, after which it has lost its way."""
_MOST_TS_BYTES = 188 * 40_000
"""Of a transport stream, looked at for what was lost in one gap."""


class Sound(NamedTuple):
    """The next frame, and what is missing before it."""

    frame: AudioFrame | None
    """None at the end of the file."""
    gap: Gap = NO_GAP


def sounds(container: InputContainer, source: DecoderInput) -> Iterator[Sound]:
    """Every frame of the first audio stream that can be decoded.

    Args:
        container: the file.
        source: its bytes.

    Raises:
        av.FFmpegError: nothing can be decoded; the first reason why.
    """
    yield from _Reader(container, source).sounds()


class _Reader:
    def __init__(self, container: InputContainer, source: DecoderInput) -> None:
        self._container, self._source = container, source
        self._stream: AudioStream = container.streams.audio[0]
        self._codec = self._stream.codec_context.codec.canonical_name
        self._format = container.format.name
        self._is_elementary = self._format in _WITHOUT_TIMESTAMPS
        self._clock = Clock(
            has_timestamps=not self._is_elementary,
            is_stream=self._is_elementary or self._format in _STREAMS,
        )
        self._skipped = SkippedBytes(source) if self._format == "aac" else None
        has_headers = not self._is_elementary and self._format != "mpegts"
        self._unread = UnreadBytes() if has_headers else None
        self._seen: Evidence | None = None
        """None while nothing is odd."""
        self._first_error: av.FFmpegError | None = None
        self._first_at: int | None = None
        self._sound_at = 0
        """Where the last packet ended that gave frames."""
        self._unit_at = 0
        """Where the last packet began, whatever it gave."""
        self._padding_until = -1
        """Where a tag ends between the frames."""

    def sounds(self) -> Iterator[Sound]:
        for packet in self._packets():
            frames = self._frames(packet)
            for number, frame in enumerate(frames):
                time_s = frame.time
                if time_s is None and not number:
                    time_s = _time_s(packet)
                yield Sound(frame, self._gap_before(frame, time_s, packet))
            self._note_what_is_left(packet, frames)
        if not self._clock.has_begun and self._first_error:
            raise self._first_error
        yield Sound(None, self._clock.missing_at_the_end(self._noted))

    def _packets(self) -> Iterator["Packet[AudioStream]"]:
        """Those of the stream, whatever the demuxer raises between them."""
        errors, number = 0, self._stream.index
        packets = self._container.demux()
        while errors < _MOST_ERRORS:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._first_error = self._first_error or error
                self._noted.suspect = True
                packets, errors = self._container.demux(), errors + 1
                continue
            if packet is None:
                return
            errors = 0
            if self._unread:
                self._unread.take(packet)
            if packet.stream.index == number:
                yield cast("Packet[AudioStream]", packet)

    @property
    def _noted(self) -> Evidence:
        """What was seen since the last sound frame, to be added to."""
        if self._seen is None:
            self._seen = Evidence()
        return self._seen

    def _frames(self, packet: "Packet[AudioStream]") -> list[AudioFrame]:
        """What a packet gives, be it nothing; what is odd about it is noted."""
        if self._first_at is None:
            self._first_at = packet.pos
            self._clock.begin(_time_s(packet))
        if self._skipped and (skipped := self._skipped.before(packet)):
            self._noted.skipped_bytes += skipped
        if packet.is_corrupt:
            self._noted.suspect = True
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            self._first_error = self._first_error or error
            self._note_failure(packet)
            return []
        if not frames and packet.size and self._clock.has_begun:
            self._note_silence(packet)
        return frames

    def _note_failure(self, packet: "Packet[AudioStream]") -> None:
        self._source.beat()
        body = bytes(packet)
        if is_pause(self._codec, body):
            self._noted.paused = True
        elif body and not self._is_padding(packet, body):
            duration_s = float((packet.duration or 0) * packet.time_base)
            self._noted.failed += 1
            self._noted.failed_bytes += packet.size
            self._noted.failed_s += self._clock.seconds_of(packet.size, duration_s)

    def _note_silence(self, packet: "Packet[AudioStream]") -> None:
        """Some decoders say nothing of a packet that they cannot decode."""
        if self._is_elementary:
            self._note_failure(packet)
        else:
            self._noted.suspect = True

    def _is_padding(self, packet: "Packet[AudioStream]", body: bytes) -> bool:
        """Whether a packet of an elementary stream lies in a tag or in zeros."""
        if not self._is_elementary or packet.pos is None:
            return False
        if padding := padding_bytes(body):
            self._padding_until = packet.pos + padding
        if packet.pos > self._padding_until:
            return False
        self._padding_until = max(self._padding_until, packet.pos + packet.size)
        return True

    def _note_what_is_left(self, packet: "Packet[AudioStream]", frames: list[AudioFrame]) -> None:
        """What shows only once the frames of a packet are known; it belongs to the next one."""
        self._unit_at = packet.pos or self._unit_at
        if not frames or not packet.size:
            return
        held = 1
        if self._codec == "aac" and self._clock.is_large(packet.size):
            held = adts_frames(bytes(packet))
        if held > len(frames):
            self._noted.dropped_frames += held - len(frames)
        elif held == 1:
            self._clock.decoded(packet.size, sum(map(seconds_of, frames)))
        if frames[-1].is_corrupt:
            self._noted.corrupt_s += seconds_of(frames[-1])

    def _gap_before(
        self, frame: AudioFrame, time_s: float | None, packet: "Packet[AudioStream]"
    ) -> Gap:
        gap, seconds = NO_GAP, seconds_of(frame)
        at = self._sound_at if packet.pos is None else packet.pos
        if self._seen or self._clock.gap_s(time_s, seconds):
            gap = self._missing(time_s, seconds, at, is_flushed=not packet.size)
        self._clock.passed(time_s, seconds, at - (self._first_at or 0))
        if self._unread:
            self._unread.settle(is_sound=gap is NO_GAP)
        self._sound_at, self._seen = at + packet.size, None
        return gap

    def _missing(self, time_s: float | None, seconds: float, at: int, *, is_flushed: bool) -> Gap:
        """What is missing before a frame, if anything; its packet lies at this place."""
        seen = self._noted
        if is_flushed and seen.is_single:  # the decoder had kept it back when the file ended
            return NO_GAP
        unread = self._unread.count if self._unread else 0
        place = Place(time_s, seconds, bytes_since=max(at - self._sound_at, unread))
        gap_s = self._clock.gap_s(time_s, seconds)
        if gap_s and not (seen.is_lost or seen.suspect or seen.paused):
            seen.suspect = self._is_damage(gap_s, at, unread)
        return self._clock.missing(place, seen) or NO_GAP

    def _is_damage(self, gap_s: float, at: int, unread_bytes: int) -> bool:
        """Whether a gap before the packet at this place is no pause of the recorder."""
        if self._format != "mpegts":
            return self._clock.is_explained(gap_s, unread_bytes)
        size = min(max(0, at - self._unit_at), _MOST_TS_BYTES)
        return is_broken(self._source.read_at(self._unit_at, size), self._stream.id)


def _time_s(packet: "Packet[AudioStream]") -> float | None:
    return None if packet.pts is None else float(packet.pts * packet.time_base)


def seconds_of(frame: AudioFrame) -> float:
    """How long a frame is, in s."""
    return frame.samples / frame.sample_rate
