"""What was seen in a file since the last frame that is sound."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What is missing before a frame."""

    fill_s: float = 0.0
    """Silence to put in its place, so that what follows keeps its time."""
    lost_s: float = 0.0
    """Audio that is missing; a pause of the speaker is silence, and nothing lost."""

    def __bool__(self) -> bool:
        return self.fill_s > 0 or self.lost_s > 0

    def __add__(self, other: "Gap") -> "Gap":
        return Gap(fill_s=self.fill_s + other.fill_s, lost_s=self.lost_s + other.lost_s)


NO_GAP = Gap()


@dataclass(kw_only=True)
class Evidence:
    """See above."""

    failed: int = 0
    """Packets that could not be decoded."""
    failed_bytes: int = 0
    failed_s: float = 0.0
    """How long these are, by the container."""
    skipped_bytes: int = 0
    """Bytes of an elementary stream that the demuxer passed over."""
    dropped_frames: int = 0
    """Frames that a decoder left in a packet which held several."""
    corrupt_s: float = 0.0
    """Frames that were decoded, and marked by the decoder as wrong."""
    suspect: bool = False
    """Whether a gap in the timestamps, if there is one, means that audio is lost."""
    paused: bool = False
    """Whether the encoder said that nobody spoke."""

    @property
    def is_lost(self) -> bool:
        """Whether something is missing, however long it may be."""
        return bool(self.failed or self.skipped_bytes or self.dropped_frames or self.corrupt_s)

    @property
    def is_single(self) -> bool:
        """Whether one packet failed at most."""
        return self.failed + (self.corrupt_s > 0) <= 1
