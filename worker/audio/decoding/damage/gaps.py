"""PURE: computes the audio missing before a frame from timestamps, bytes and signs of damage."""

import math
from typing import NamedTuple

from funasr_fleet.worker.audio.decoding.damage.averages import (
    GAP_PER_BYTES,
    GAP_SLACK_S,
    PacketAverages,
)
from funasr_fleet.worker.audio.decoding.damage.evidence import NO_GAP, DamageEvidence, Gap

_HEAD_CUT_S = 0.1
"""Up to this much missing audio at the start of a stream is not damage: a recording cut out of a
stream may begin with one or two incomplete packets."""
_END_BYTES = 4096
"""Up to this size, data after the last frame is a truncated packet or a tag, not lost audio."""
_TOLERANCE = 0.5
"""Smallest gap, in frames: timestamps are rounded, and those of live recordings jitter."""
_ROUNDED_S = 0.001
"""Rounding error of timestamps."""
_GAP_UNKNOWN_S = 10.0
"""Longest plausible gap before the byte rate of the file is known."""
_PAUSE_S = 0.2
"""Shortest gap in the timestamps of intact audio that is filled; live recordings jitter. Shorter
gaps are added up, less the jitter, and filled once their sum is this long."""
_LONGEST_PAUSE_S = 3600.0
_LONGEST_STREAM_PAUSE_S = 60.0
"""Longest such gap, also in a stream, whose clock may jump (ffmpeg closes gaps from 10 s on)."""
_SET_BACK_S = 1.0
"""If this much audio without a jump follows a backward jump, the clock was set back."""


class ClockPosition(NamedTuple):
    """Position of a frame in its file."""

    time_s: float | None
    """Timestamp."""
    seconds: float
    """Duration."""
    bytes_since: int = 0
    """Bytes between the end of the last packet that gave frames and this frame's packet."""
    is_confirmed: bool = False
    """Whether the timestamps of the following packets go on from this one."""


class Clock:
    """Tracks the time of the frames of one stream.

    An elementary stream (mp3, ADTS, AC-3) has no timestamps: FFmpeg derives them by counting
    packets, and missing audio shows only as bytes that gave no frame.
    """

    def __init__(
        self, *, has_timestamps: bool, is_stream: bool, has_checksums: bool = False
    ) -> None:
        """Create a clock for a kind of file.

        Args:
            has_timestamps: whether the container has timestamps.
            is_stream: whether recordings of this format may start anywhere in a stream.
            has_checksums: whether checksums protect the timestamps, so that they are reliable.
        """
        self._has_timestamps, self._has_checksums = has_timestamps, has_checksums
        self._is_stream = is_stream
        self._longest_pause_s = _LONGEST_STREAM_PAUSE_S if is_stream else _LONGEST_PAUSE_S
        self.has_begun = False
        """Whether there has been a frame."""
        self._next_s: float | None = None
        self._began_s = 0.0
        self._declared_s = math.inf
        self._ends_s = math.inf
        """Latest plausible timestamp."""
        self._ahead_s = 0.0
        """How far the audio so far reaches beyond the timestamps, after they jumped backwards."""
        self._since_jump_s = 0.0
        self._behind_s = 0.0
        """How far the audio so far falls short of the timestamps, by small jumps both ways."""
        self._small_gaps_s = 0.0
        """The part of _behind_s that is due to gaps, not to a clock that runs slightly fast."""
        self._frame_s = 0.0
        self.averages = PacketAverages()
        self._read_bytes = 0

    def begin(self, start_s: float | None, declared_s: float | None = None) -> None:
        """Set the start of the recording, on the clock of its timestamps, and its duration.

        Args:
            start_s: start of the recording; None if unknown.
            declared_s: duration of the recording that the file declares; None without one.
        """
        self._declared_s = declared_s or math.inf
        if self._next_s is None and start_s is not None and self._has_timestamps:
            self._next_s = self._began_s = max(0.0, start_s)

    def gap_s(self, time_s: float | None, seconds: float) -> float:
        """Gap in s between the last frame and this one by timestamps; 0 within the tolerance."""
        if time_s is None or self._next_s is None or time_s > self._ends_s:
            return 0.0
        gap_s = time_s - self._next_s - self._ahead_s
        if gap_s < _ROUNDED_S:
            return 0.0
        return gap_s if gap_s > _TOLERANCE * max(self._frame_s, seconds) else 0.0

    def missing(self, position: ClockPosition, evidence: DamageEvidence) -> Gap:
        """The audio missing before a frame."""
        measure = self._missing_by_time if self._has_timestamps else self._missing_by_bytes
        gap = measure(position, evidence)
        is_short = max(gap.lost_s, gap.pause_s) <= _HEAD_CUT_S and not gap.is_closed
        is_cut_start = self._is_stream and not self.has_begun and is_short
        return NO_GAP if is_cut_start else gap

    def _missing_by_time(self, position: ClockPosition, evidence: DamageEvidence) -> Gap:
        gap_s = self.gap_s(position.time_s, position.seconds)
        if gap_s and (evidence.is_lost or evidence.suspect or evidence.paused):
            is_plausible = evidence.paused or gap_s <= self._longest_s(position, evidence)
            fill_s = gap_s if is_plausible else evidence.failed_s
            lost_s = min(fill_s, evidence.failed_s) if evidence.paused else fill_s
            lost_s += evidence.corrupt_s
            return Gap(fill_s=fill_s, lost_s=lost_s, is_closed=not is_plausible)
        is_closed = gap_s > self._longest_pause_s
        pause_s = 0.0 if is_closed else gap_s
        if 0 < gap_s < _PAUSE_S:
            pause_s = self._add_small_gap(gap_s)
        lost_s = evidence.failed_s + evidence.corrupt_s
        return Gap(fill_s=pause_s, lost_s=lost_s, pause_s=pause_s, is_closed=is_closed)

    def _add_small_gap(self, gap_s: float) -> float:
        """Add a gap below _PAUSE_S; return how much is to be filled now."""
        behind_s = self._behind_s + gap_s
        self._small_gaps_s = max(0.0, min(self._small_gaps_s + gap_s, behind_s))
        if self._small_gaps_s < _PAUSE_S:
            return 0.0
        filled_s, self._small_gaps_s = self._small_gaps_s, 0.0
        self._behind_s -= filled_s
        return filled_s

    def _missing_by_bytes(self, position: ClockPosition, evidence: DamageEvidence) -> Gap:
        fill_s = self._frames_in(evidence) * (self.averages.packet_s or position.seconds)
        return Gap(fill_s=fill_s, lost_s=fill_s + evidence.corrupt_s)

    def _frames_in(self, evidence: DamageEvidence) -> int:
        unread = evidence.failed_bytes + evidence.skipped_bytes
        mean = self.averages.packet_bytes
        packets = round(unread / mean) if mean else evidence.failed
        return max(packets, 1 if evidence.has_failures else 0) + evidence.dropped_frames

    def _longest_s(self, position: ClockPosition, evidence: DamageEvidence) -> float:
        """The longest plausible gap, in s."""
        if not self.has_begun or self._has_checksums or position.is_confirmed:
            return self._longest_pause_s
        elapsed_s = (self._next_s or 0.0) - self._began_s
        if elapsed_s < 1 or not self._read_bytes:
            return max(_GAP_UNKNOWN_S, GAP_PER_BYTES * evidence.failed_s)
        by_bytes_s = max(0, position.bytes_since) * elapsed_s / self._read_bytes
        return GAP_SLACK_S + GAP_PER_BYTES * max(by_bytes_s, evidence.failed_s)

    def missing_at_the_end(self, evidence: DamageEvidence) -> Gap:
        """The audio missing after the last frame; it needs no silence, as no audio follows."""
        if evidence.is_single and evidence.failed_bytes <= max(
            _END_BYTES, 1.5 * self.averages.packet_bytes
        ):
            return NO_GAP
        if self._has_timestamps:
            return Gap(lost_s=evidence.failed_s + evidence.corrupt_s)
        return Gap(lost_s=self._frames_in(evidence) * self.averages.packet_s + evidence.corrupt_s)

    def follow(self, time_s: float | None, seconds: float, read_bytes: int) -> bool:
        """Advance past a frame if it begins where the last one ended; return whether it does.

        Nearly all frames do. For them, this does what gap_s() and advance() do, in half the time.
        """
        if time_s is None or self._next_s is None or self._ahead_s or not self.has_begun:
            return False
        jump_s = time_s - self._next_s
        if not -_ROUNDED_S < jump_s < _ROUNDED_S < _TOLERANCE * seconds:
            return False
        self._since_jump_s += seconds
        self._behind_s = max(-_PAUSE_S, self._behind_s + jump_s)
        self._next_s, self._frame_s, self._read_bytes = time_s + seconds, seconds, read_bytes
        return True

    def advance(self, time_s: float | None, seconds: float, read_bytes: int) -> None:
        """Advance past a frame; `read_bytes` bytes of the file precede it."""
        start_s = self._next_s if time_s is None else time_s
        if self._next_s is not None:
            self._note_jump((start_s or 0.0) - self._next_s, seconds)
        if not self.has_begun:
            self._ends_s = (start_s or 0.0) + self._declared_s + GAP_SLACK_S
        self._next_s = (start_s or 0.0) + seconds
        self._frame_s = seconds
        if time_s is not None:  # otherwise, there may be a gap that the time does not include
            self._read_bytes = read_bytes
        self.has_begun = True

    def _note_jump(self, jump_s: float, seconds: float) -> None:
        """Note a jump of the timestamps before a frame.

        After a backward jump, later timestamps show the cause. If they continue the sequence before
        the jump, one timestamp was damaged. If they continue from the early timestamp, the clock
        was set back, as in joined files.
        """
        self._since_jump_s += seconds
        if abs(jump_s) < _PAUSE_S:
            self._behind_s = max(-_PAUSE_S, self._behind_s + jump_s)
        is_jump = abs(jump_s) > _TOLERANCE * seconds
        if is_jump or self._ahead_s:
            self._ahead_s = max(0.0, self._ahead_s - jump_s)
        if is_jump:
            self._since_jump_s = 0.0
        elif self._since_jump_s > _SET_BACK_S:
            self._ahead_s = 0.0
