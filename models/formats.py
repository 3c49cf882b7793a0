"""How sound is packed into files. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How sound is packed into a file; names are FFmpeg's."""

    container: str
    """File format."""
    codec: str
    """Encoder."""
    rate_hz: int
    stereo: bool = False
    """Whether the one channel is written twice."""
    bits_per_second: int | None = None
    """Rate of a lossy codec."""
