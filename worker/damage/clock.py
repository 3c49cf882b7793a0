"""PURE: where a frame lies on the recording's clock, and what is missing before it."""

from typing import NamedTuple

from worker.damage.evidence import NO_GAP, Evidence, Gap

_HEAD_CUT_S = 0.1
"""A recording that was cut out of a stream begins in the middle of a packet or two."""
_END_BYTES = 4096
"""So much behind the last frame is a packet that was cut off, or a tag of some kind."""
_TOLERANCE = 0.5
"""Timestamps are rounded, and those of live recordings waver: less of a frame is no gap."""
_ROUNDED_S = 0.001
_LARGE = 1.4
_LEARN = 1 / 32
"""How much the latest packet counts in the mean."""
_GAP_PER_BYTES = 3.0
_GAP_SLACK_S = 1.0
"""A gap may last so many times as long as the bytes that lie in it, and so much more: damaged
timestamps claim hours."""
_GAP_UNKNOWN_S = 10.0
"""What a gap may last before the speed of the file is known."""
_UNREAD_SHARE = 0.25
_UNREAD_BYTES = 32
"""Of the bytes that fill a gap elsewhere in the file, so many must have gone unread in it; headers
alone do not make a gap."""


class Place(NamedTuple):
    """Where a frame lies in its file."""

    time_s: float | None
    """By its timestamp."""
    seconds: float
    """How long it is."""
    bytes_since: int = 0
    """Bytes of the file from the end of the last sound packet to the beginning of this one's."""


class Clock:
    """Follows the frames of one stream.

    An elementary stream (mp3, ADTS, AC-3) has no timestamps of its own: FFmpeg counts its packets,
    and what is missing shows only in the bytes that gave no frame.
    """

    def __init__(self, *, has_timestamps: bool, is_stream: bool) -> None:
        """Take what kind of file it is.

        Args:
            has_timestamps: whether the container has some.
            is_stream: whether a recording of this format may begin anywhere.
        """
        self._has_timestamps = has_timestamps
        self._is_stream = is_stream
        self.has_begun = False
        """Whether there was a frame."""
        self._next_s: float | None = None
        self._began_s = 0.0
        self._frame_s = 0.0
        self._packet_bytes = 0.0
        self._packet_s = 0.0
        self._read_bytes = 0

    def begin(self, first_s: float | None) -> None:
        """The first packet says where the recording begins."""
        if self._next_s is None and first_s is not None and self._has_timestamps:
            self._next_s = self._began_s = max(0.0, first_s)

    def gap_s(self, time_s: float | None, seconds: float) -> float:
        """What lies between the last frame and this one by their timestamps; 0 if hardly any."""
        if time_s is None or self._next_s is None:
            return 0.0
        gap_s = time_s - self._next_s
        if gap_s < _ROUNDED_S:
            return 0.0
        return gap_s if gap_s > _TOLERANCE * max(self._frame_s, seconds) else 0.0

    def is_explained(self, gap_s: float, unread_bytes: int) -> bool:
        """Whether so many unread bytes are what is missing in a gap, and not headers beside it."""
        needed = _UNREAD_SHARE * gap_s * self._bytes_per_s
        return self._packet_s > 0 and unread_bytes >= max(_UNREAD_BYTES, needed)

    def missing(self, place: Place, seen: Evidence) -> Gap:
        """What is missing before a frame."""
        by = self._missing_by_time if self._has_timestamps else self._missing_by_bytes
        gap = by(place, seen)
        is_cut = self._is_stream and not self.has_begun and gap.lost_s <= _HEAD_CUT_S
        return NO_GAP if is_cut else gap

    def _missing_by_time(self, place: Place, seen: Evidence) -> Gap:
        gap_s = self.gap_s(place.time_s, place.seconds)
        if gap_s and (seen.is_lost or seen.suspect or seen.paused):
            is_likely = seen.paused or gap_s <= self._longest_s(place, seen)
            fill_s = gap_s if is_likely else seen.failed_s
            lost_s = min(fill_s, seen.failed_s) if seen.paused else fill_s
            return Gap(fill_s=fill_s, lost_s=lost_s + seen.corrupt_s)
        return Gap(lost_s=seen.failed_s + seen.corrupt_s)

    def _missing_by_bytes(self, place: Place, seen: Evidence) -> Gap:
        fill_s = self._frames_in(seen) * (self._packet_s or place.seconds)
        return Gap(fill_s=fill_s, lost_s=fill_s + seen.corrupt_s)

    def _frames_in(self, seen: Evidence) -> int:
        unread = seen.failed_bytes + seen.skipped_bytes
        packets = round(unread / self._packet_bytes) if self._packet_bytes else seen.failed
        return max(packets, 1 if seen.failed else 0) + seen.dropped_frames

    def _longest_s(self, place: Place, seen: Evidence) -> float:
        """What a gap may last at most to be believed."""
        elapsed_s = (self._next_s or 0.0) - self._began_s
        if elapsed_s < 1 or not self._read_bytes:
            return max(_GAP_UNKNOWN_S, _GAP_PER_BYTES * seen.failed_s)
        by_bytes_s = max(0, place.bytes_since) * elapsed_s / self._read_bytes
        return _GAP_SLACK_S + _GAP_PER_BYTES * max(by_bytes_s, seen.failed_s)

    def missing_at_the_end(self, seen: Evidence) -> Gap:
        """What is missing behind the last frame; nothing follows that has to keep its time."""
        if seen.is_single and seen.failed_bytes <= max(_END_BYTES, 1.5 * self._packet_bytes):
            return NO_GAP
        if self._has_timestamps:
            return Gap(lost_s=seen.failed_s + seen.corrupt_s)
        return Gap(lost_s=self._frames_in(seen) * self._packet_s + seen.corrupt_s)

    @property
    def _bytes_per_s(self) -> float:
        return self._packet_bytes / self._packet_s if self._packet_s else 0.0

    def seconds_of(self, size_bytes: int, told_s: float) -> float:
        """How long a packet is; what the file tells is believed unless others are far shorter."""
        by_size_s = size_bytes / self._bytes_per_s if self._bytes_per_s else 0.0
        return told_s if 0 < told_s <= _GAP_SLACK_S + _GAP_PER_BYTES * by_size_s else by_size_s

    def passed(self, time_s: float | None, seconds: float, read_bytes: int) -> None:
        """A frame was placed; so many bytes of the file were read before it."""
        start_s = self._next_s if time_s is None else time_s
        self._next_s = (start_s or 0.0) + seconds
        self._frame_s, self._read_bytes = seconds, read_bytes
        self.has_begun = True

    def is_large(self, packet_bytes: int) -> bool:
        """Whether a packet is so large that it may hold several frames."""
        return 0 < _LARGE * self._packet_bytes <= packet_bytes

    def decoded(self, packet_bytes: int, seconds: float) -> None:
        """A packet of this size gave frames of this length."""
        weight = _LEARN if self._packet_s else 1.0
        self._packet_bytes += weight * (packet_bytes - self._packet_bytes)
        self._packet_s += weight * (seconds - self._packet_s)
