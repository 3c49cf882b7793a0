"""How large a file may be: fetched, in its channels, and once it is decoded."""

import math
from dataclasses import dataclass
from typing import Any

from worker.failures import AudioTooLong, UndecodableAudio
from worker.planning.spans import SAMPLE_RATE

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000
"""No recording of speech is outside. A resampler from an absurd rate takes gigabytes, and each
sample of 1 Hz becomes 16,000."""

_SAMPLE_BYTES = 4
"""Decoded samples are float32."""
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a file may cost; without a value, anything."""

    bytes: int | None = None
    """Size of the file as it is fetched."""
    audio_s: float = math.inf
    """Length in s."""
    channels: float = math.inf
    """How many channels it may have, whichever of them are asked for."""
    decoded_mb: float = math.inf
    """Size of its samples at 16 kHz, all channels together, in MB of 10^6 bytes."""

    @classmethod
    def of(cls, settings: Any) -> "Limits":
        """Those that the Settings name; this room stays free of what they import."""
        return cls(
            bytes=settings.max_bytes,
            audio_s=settings.max_audio_s,
            channels=settings.max_channels,
            decoded_mb=settings.max_decoded_mb,
        )

    def check_channels(self, channels: int) -> None:
        """Refuse a file of too many channels before any is decoded.

        Raises:
            UndecodableAudio: it has more.
        """
        if channels > self.channels:
            raise UndecodableAudio(
                f"{channels} channels, more than FLEET_MAX_CHANNELS ({self.channels}) allows"
            )

    def check_declared(self, seconds: float, channels: int) -> None:
        """Refuse a file for what it says of itself.

        Raises:
            AudioTooLong: it says that it is longer, or would be larger.
        """
        if seconds > self.audio_s:
            raise AudioTooLong(f"{seconds:.0f} s of audio, more than {self.audio_s:.0f} s")
        self._check_size(seconds * SAMPLE_RATE * channels)

    def check_decoded(self, length: int, channels: int) -> None:
        """Refuse a file for what came out of it so far.

        Args:
            length: samples of each channel at 16 kHz.
            channels: how many there are.

        Raises:
            AudioTooLong: that is longer, or larger, than allowed.
        """
        if length > self.audio_s * SAMPLE_RATE:
            raise AudioTooLong(f"more than {self.audio_s:.0f} s of audio")
        self._check_size(length * channels)

    def _check_size(self, samples: float) -> None:
        if samples * _SAMPLE_BYTES > self.decoded_mb * _MB:
            raise AudioTooLong(
                f"its channels make more than FLEET_MAX_DECODED_MB ({self.decoded_mb:g}) "
                "once they are decoded"
            )


def check_rate(rate: int) -> None:
    """Refuse an absurd sample rate, in Hz, before a resampler is built for it.

    Raises:
        UndecodableAudio: naming it, and what is allowed.
    """
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise UndecodableAudio(
            f"a sample rate of {rate} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are taken"
        )


UNLIMITED = Limits()
"""For files that are trusted."""
