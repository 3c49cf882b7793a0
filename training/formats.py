"""Containers and codecs of audio files. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Container, codec and rates of a file; names are FFmpeg's."""

    container: str
    """File format."""
    codec: str
    """Encoder."""
    rate_hz: int
    stereo: bool = False
    """Whether the mono signal is written to two channels."""
    bits_per_second: int | None = None
    """Bit rate of a lossy codec."""
