"""Limits on a file: fetched size, duration, channels, sample rate and decoded size."""

import math
from dataclasses import dataclass
from typing import Any

from funasr_fleet.worker.errors import AudioTooLong, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000
"""Speech recordings lie within these rates. Resampling from an absurd rate takes gigabytes, and
each sample at 1 Hz becomes 16,000."""

_SAMPLE_BYTES = 4
"""Decoded samples are float32."""
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits per file; a value that is not set means no limit."""

    bytes: int | None = None
    """Size of the fetched file."""
    audio_s: float = math.inf
    """Duration in s."""
    channels: float = math.inf
    """Number of channels in the file, whichever of them are requested."""
    decoded_mb: float = math.inf
    """Size of its samples at 16 kHz, all channels together, in MB (10^6 bytes)."""

    @classmethod
    def of(cls, settings: Any) -> "Limits":
        """The limits in Settings; untyped, so that this package does not import Settings."""
        return cls(
            bytes=settings.max_bytes,
            audio_s=settings.max_audio_s,
            channels=settings.max_channels,
            decoded_mb=settings.max_decoded_mb,
        )

    def check_channels(self, channels: int) -> None:
        """Reject a file with too many channels, before it is decoded.

        Raises:
            UndecodableAudio: it has more than FLEET_MAX_CHANNELS.
        """
        if channels > self.channels:
            raise UndecodableAudio(
                f"the file has {channels} channels, more than FLEET_MAX_CHANNELS ({self.channels})"
            )

    def check_declared(self, seconds: float, channels: int) -> None:
        """Reject a file by its declared duration, before it is decoded.

        Raises:
            AudioTooLong: the declared duration, or its size once decoded, exceeds the limit.
        """
        if seconds > self.audio_s:
            raise AudioTooLong(
                f"{seconds:.0f} s of audio; the limit is {self.audio_s:.0f} s (FLEET_MAX_AUDIO_S)"
            )
        self._check_size(seconds * SAMPLE_RATE * channels)

    def check_decoded(self, length: int, channels: int) -> None:
        """Reject a file by what has been decoded so far.

        Args:
            length: samples per channel at 16 kHz.
            channels: number of channels.

        Raises:
            AudioTooLong: the decoded audio exceeds the duration or size limit.
        """
        if length > self.audio_s * SAMPLE_RATE:
            raise AudioTooLong(f"more than {self.audio_s:.0f} s of audio (FLEET_MAX_AUDIO_S)")
        self._check_size(length * channels)

    def _check_size(self, samples: float) -> None:
        if samples * _SAMPLE_BYTES > self.decoded_mb * _MB:
            raise AudioTooLong(
                f"the decoded channels exceed FLEET_MAX_DECODED_MB ({self.decoded_mb:g})"
            )


def check_rate(rate: int) -> None:
    """Reject an absurd sample rate, in Hz, before a resampler is built for it.

    Raises:
        UndecodableAudio: naming the rate and the allowed range.
    """
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise UndecodableAudio(
            f"the sample rate is {rate} Hz; allowed are {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
        )


UNLIMITED = Limits()
"""For trusted files."""
