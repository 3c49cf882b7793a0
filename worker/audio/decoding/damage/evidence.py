"""PURE: signs of damage before a frame, and the gap that they leave."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Audio missing before a frame."""

    fill_s: float = 0.0
    """Seconds of silence to insert, so that the following audio keeps its timestamps."""
    lost_s: float = 0.0
    """Seconds of lost audio; a pause of the speaker is silence, not loss."""
    pause_s: float = 0.0
    """Part of `fill_s` without signs of damage: the recording paused, or began late."""
    is_closed: bool = False
    """Whether the timestamps show a gap that is too long to be filled."""

    def __bool__(self) -> bool:
        return self.fill_s > 0 or self.lost_s > 0 or self.is_closed

    def __add__(self, other: "Gap") -> "Gap":
        return Gap(
            fill_s=self.fill_s + other.fill_s,
            lost_s=self.lost_s + other.lost_s,
            pause_s=self.pause_s + other.pause_s,
            is_closed=self.is_closed or other.is_closed,
        )


NO_GAP = Gap()


@dataclass(kw_only=True)
class DamageEvidence:
    """The signs of damage since the last intact frame, added up."""

    failed: int = 0
    """Packets that could not be decoded."""
    has_unread_rest: bool = False
    """Whether FFmpeg stopped before the end of the audio in the file."""
    failed_bytes: int = 0
    """Size of the failed packets and of the unread rest."""
    failed_s: float = 0.0
    """Their duration: by the container, or by their size."""
    skipped_bytes: int = 0
    """Bytes of an elementary stream that the demuxer skipped."""
    dropped_frames: int = 0
    """Frames not decoded in packets that contain several."""
    corrupt_s: float = 0.0
    """Duration of frames that the decoder returned but marked as corrupt."""
    suspect: bool = False
    """Whether a gap in the timestamps, if there is one, counts as lost audio."""
    paused: bool = False
    """Whether the encoder signalled a pause (no speech)."""

    def add_unread_rest(self, size_bytes: int, seconds: float) -> None:
        """Add the rest of a file that FFmpeg did not read."""
        self.has_unread_rest = True
        self.failed_bytes += size_bytes
        self.failed_s += seconds

    def limit_bytes(self, size_bytes: int) -> None:
        """Limit failed_bytes, and failed_s in proportion: packets with damaged sizes overlap."""
        if self.failed_bytes > size_bytes >= 0:
            self.failed_s *= size_bytes / self.failed_bytes
            self.failed_bytes = size_bytes

    @property
    def is_lost(self) -> bool:
        """Whether any audio is lost, of whatever duration."""
        return bool(
            self.has_failures or self.skipped_bytes or self.dropped_frames or self.corrupt_s
        )

    @property
    def has_failures(self) -> bool:
        """Whether any part of the file was not decoded: packets, or its unread rest."""
        return self.failed > 0 or self.has_unread_rest

    @property
    def is_single(self) -> bool:
        """Whether at most one packet failed or was marked as corrupt, and the rest was read."""
        return not self.has_unread_rest and self.failed + (self.corrupt_s > 0) <= 1
