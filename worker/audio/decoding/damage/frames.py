"""Packets of a file -> its frames and the gaps between them."""

from collections.abc import Iterator
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from funasr_fleet.worker.audio.decoding.damage import formats, ogg
from funasr_fleet.worker.audio.decoding.damage.byte_checks import GapBytes, is_damaged
from funasr_fleet.worker.audio.decoding.damage.demuxer import Demuxer
from funasr_fleet.worker.audio.decoding.damage.evidence import NO_GAP, DamageEvidence, Gap
from funasr_fleet.worker.audio.decoding.damage.extent import Extent
from funasr_fleet.worker.audio.decoding.damage.gapped_frame import GappedFrame, TimeBases
from funasr_fleet.worker.audio.decoding.damage.gaps import Clock, ClockPosition
from funasr_fleet.worker.audio.decoding.damage.packets import adts_frames, is_pause
from funasr_fleet.worker.audio.decoding.damage.skipped_bytes import counter_of, dts_frame_bytes
from funasr_fleet.worker.audio.decoding.damage.unread_bytes import Padding, UnreadBytes
from funasr_fleet.worker.audio.decoding.declared_duration import recording_seconds, start_seconds
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_UNREAD_PAGE_S = 0.5
"""Shortest unreadable end of an Ogg file that is reported, in s."""


def frames_with_gaps(
    container: InputContainer, stream: AudioStream, source: DecoderInput, read: Extent
) -> Iterator[GappedFrame]:
    """Yield every decodable frame of an audio stream, then the gap at the end of the file.

    Args:
        container: the opened file.
        stream: one of its audio streams.
        source: the file's bytes.
        read: updated with every packet that FFmpeg finds.

    Raises:
        av.FFmpegError: nothing can be decoded; the first error is raised.
    """
    yield from _Reader(container, stream, source, read).frames()


class _Reader:
    def __init__(
        self, container: InputContainer, stream: AudioStream, source: DecoderInput, read: Extent
    ) -> None:
        self._container, self._stream, self._source, self._read = container, stream, source, read
        self._codec = self._stream.codec_context.codec.canonical_name
        self._format = container.format.name
        self._is_elementary = self._format in formats.ELEMENTARY
        self._is_counted = self._format in formats.COUNTED
        self._clock = Clock(
            has_timestamps=not self._is_counted,
            is_stream=self._format in formats.STREAMS,
            has_checksums=self._format in formats.CHECKSUMS,
        )
        self._skipped = counter_of(self._format, source, stream.index)
        has_headers = not self._is_elementary and self._format != "mpegts"
        self._unread = UnreadBytes() if has_headers else None
        self._collected: DamageEvidence | None = None
        """None while there is no sign of damage."""
        self._demuxer, self._bases = Demuxer(container, stream.index), TimeBases()
        self._first_error: av.FFmpegError | None = None
        self._first_at: int | None = None
        self._late_s = 0.0
        """How late the audio of an AVI file begins; its later timestamps are not used."""
        self._decoded_until = 0
        """File offset of the end of the last packet that gave frames."""
        self._unit_at = 0
        """File offset of the start of the last packet, with or without frames."""
        self._padding = Padding(source) if self._is_elementary else None

    def frames(self) -> Iterator[GappedFrame]:
        packets = self._packets()
        if self._format == "ogg":
            packets = ogg.PacketTimes(self._source).corrected(packets)
        is_avi = self._format == "avi"
        for packet in packets:
            frames, sum_s = self._frames(packet), 0.0
            for number, frame in enumerate(frames):
                if is_avi:
                    frame.pts = None
                time_s = frame.time
                if time_s is None and not number and not self._is_counted:
                    time_s = self._bases.time_s(packet)
                seconds = frame.samples / frame.sample_rate
                sum_s += seconds
                yield GappedFrame(frame, self._gap_before(time_s, seconds, packet), seconds)
            self._note_after_frames(packet, frames, sum_s)
        self._note_unread_rest()
        error = self._demuxer.first_error or self._first_error
        if not self._clock.has_begun and error:
            raise error
        if self._format.startswith("mov,"):
            self._evidence.limit_bytes(self._read.end - self._decoded_until)
        yield GappedFrame(None, self._clock.missing_at_the_end(self._evidence))

    def _packets(self) -> Iterator["Packet[AudioStream]"]:
        """Yield the packets of the stream."""
        for packet in self._demuxer:
            if self._demuxer.has_failed:
                self._evidence.suspect, self._demuxer.has_failed = True, False
            self._read.add(packet)
            if self._unread:
                self._unread.add(packet)
            if self._skipped:
                self._skipped.add(packet)
            if packet.stream.index == self._stream.index:
                yield cast("Packet[AudioStream]", packet)

    def _note_unread_rest(self) -> None:
        """Count the rest of a file that FFmpeg cannot read, such as another kind of Ogg stream.

        At the end of an Ogg file, timestamps do not show the loss of damaged pages. Page headers
        and a truncated packet are shorter than _UNREAD_PAGE_S.
        """
        least_s = 0.0
        if self._demuxer.has_given_up:
            size = self._source.size_bytes - self._decoded_until
        elif self._unread and self._format == "ogg":
            size = self._unread.count + self._unread.page_bytes_after(self._source)
            least_s = _UNREAD_PAGE_S
        else:
            return
        if (seconds := self._clock.averages.seconds_of(size, 0.0)) >= least_s:
            self._evidence.add_unread_rest(size, seconds)

    @property
    def _evidence(self) -> DamageEvidence:
        """The damage evidence since the last intact frame, created on first use."""
        if self._collected is None:
            self._collected = DamageEvidence()
        return self._collected

    def _frames(self, packet: "Packet[AudioStream]") -> list[AudioFrame]:
        """Decode a packet; return its frames, maybe none, and note signs of damage."""
        if self._first_at is None:
            self._first_at = packet.pos
            if self._format == "avi":
                self._late_s = max(0.0, self._bases.time_s(packet) or 0.0)
            start_s = start_seconds(self._container, self._bases.time_s(packet))
            if start_s and self._format == "ogg":
                start_s = ogg.start_seconds(self._source, packet.pos or 0, start_s)
            self._clock.begin(start_s, recording_seconds(self._container, self._source))
        if self._skipped and (skipped := self._skipped.take()):
            self._evidence.skipped_bytes += skipped
        if packet.is_corrupt:
            self._evidence.suspect = True
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            self._first_error = self._first_error or error
            self._note_failure(packet)
            return []
        if not frames and packet.size and self._clock.has_begun:
            self._note_empty(packet)
        return frames

    def _note_failure(self, packet: "Packet[AudioStream]") -> None:
        self._source.touch()
        body = bytes(packet)
        if is_pause(self._codec, body):
            self._evidence.paused = True
        elif body and not (self._padding and self._padding.contains(packet, body)):
            # FFmpeg may return any byte of an AMR file as a packet of 20 ms
            duration = 0 if self._format == "amr" else packet.duration or 0
            duration_s = self._bases.seconds(packet, duration)
            self._evidence.failed += 1
            self._evidence.failed_bytes += packet.size
            self._evidence.failed_s += self._clock.averages.seconds_of(packet.size, duration_s)

    def _note_empty(self, packet: "Packet[AudioStream]") -> None:
        """Note a packet without frames: some decoders return no error for a damaged packet."""
        if self._is_elementary:
            self._note_failure(packet)
        else:
            self._evidence.suspect = True

    def _note_after_frames(
        self, packet: "Packet[AudioStream]", frames: list[AudioFrame], seconds: float
    ) -> None:
        """Note damage that only decoding reveals; it counts for the gap before the next frame."""
        self._unit_at = packet.pos or self._unit_at
        if not frames or not packet.size:
            return
        contained, declared_s = 1, self._bases.seconds(packet, packet.duration or 0)
        if self._codec == "aac" and self._clock.averages.is_large(packet.size):
            contained = adts_frames(bytes(packet))
        if contained > len(frames):
            self._evidence.dropped_frames += contained - len(frames)
        elif contained == 1:
            size = packet.size
            if self._is_elementary and self._codec == "dts":
                size = dts_frame_bytes(bytes(packet))
                self._evidence.skipped_bytes += packet.size - size
            self._clock.averages.update(size, seconds, declared_s)
        if frames[-1].is_corrupt:
            self._evidence.corrupt_s += frames[-1].samples / frames[-1].sample_rate

    def _gap_before(
        self, time_s: float | None, seconds: float, packet: "Packet[AudioStream]"
    ) -> Gap:
        gap, at, size = NO_GAP, packet.pos, packet.size
        if at is None:  # in a transport stream, only the first packet of a unit has an offset
            at = max(self._decoded_until, self._unit_at)
        read_bytes = at - (self._first_at or 0)
        if self._collected or not self._clock.follow(time_s, seconds, read_bytes):
            if self._collected or self._clock.gap_s(time_s, seconds):
                gap = self._missing(time_s, seconds, at, is_flushed=not size)
            if self._late_s:
                gap, self._late_s = gap + Gap(fill_s=self._late_s, pause_s=self._late_s), 0.0
            self._clock.advance(time_s, seconds, read_bytes)
        if self._unread:
            self._unread.reset(is_intact=gap is NO_GAP)
        self._decoded_until, self._collected = at + size, None
        self._read.decoded_at = at if size else self._read.decoded_at
        return gap

    def _missing(self, time_s: float | None, seconds: float, at: int, *, is_flushed: bool) -> Gap:
        """The audio missing before a frame, whose packet is at offset `at`; NO_GAP if none."""
        evidence = self._evidence
        if is_flushed and evidence.is_single:  # the decoder had buffered it until the file ended
            return NO_GAP
        unread = self._unread.count if self._unread else 0
        position = ClockPosition(time_s, seconds, bytes_since=max(at - self._decoded_until, unread))
        gap_s = self._clock.gap_s(time_s, seconds)
        if gap_s and not (evidence.is_lost or evidence.suspect or evidence.paused):
            evidence.suspect = self._is_damage(gap_s, at, unread)
        gap = self._clock.missing(position, evidence)
        may_confirm = gap.is_closed and time_s is not None and self._format in formats.MPEG_STREAMS
        if may_confirm and self._demuxer.confirms((time_s or 0.0) + seconds):
            gap = self._clock.missing(position._replace(is_confirmed=True), evidence)
        return gap or NO_GAP

    def _is_damage(self, gap_s: float, at: int, unread_bytes: int) -> bool:
        """Whether a gap before the packet at offset `at` is damage, not a pause of the recorder."""
        gap = GapBytes(
            first_at=self._read.begin or 0,
            recent_at=min(self._read.recent, default=0),
            last_at=self._unit_at,
            next_at=at,
            unread=unread_bytes,
            is_start=not self._clock.has_begun,
        )
        found = is_damaged(self._source, self._format, self._stream.id, gap)
        return self._clock.averages.explain(gap_s, unread_bytes) if found is None else found
