"""Which files are accepted: container formats, and limits on size, duration, channels, sample rate.

FFmpeg also accepts playlists, manifests and stream descriptions as audio, and opens what they
name: local files and network addresses. Here, only files that contain their audio are accepted,
and FFmpeg opens only the file it is given.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from funasr_fleet.worker.errors import AudioTooLong, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE

if TYPE_CHECKING:
    from funasr_fleet.settings import Settings

DEMUXERS = (
    # uncompressed samples
    *("wav", "w64", "aiff", "au", "caf", "voc", "sox", "nistsphere", "ircam"),
    # one codec, in its own file format
    *("flac", "mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd", "amr", "amrnb"),
    *("amrwb", "gsm", "qcp", "ilbc", "wv", "ape", "tta", "tak", "shn", "mpc", "mpc8", "dsf", "iff"),
    *("adx", "mmf", "dss", "oma", "xwma"),
    # multi-stream containers
    *("ogg", "mov", "mp4", "matroska", "webm", "asf", "avi", "flv", "mpeg", "mpegts", "mxf", "nut"),
    *("rm", "dv", "wtv"),
)
"""FFmpeg's names of the allowed formats; wav includes RF64 and BW64, mov includes 3GP and M4A."""

_PLAYLIST_PREFIXES = (
    b"#extm3u",
    b"ffconcat",
    b"<mpd",
    b"v=0",
    b"[playlist]",
    b"<smil",
    b"<asx",
    b"[reference]",
)
"""First bytes in lower case of: HLS, concat, DASH, SDP, PLS, SMIL, ASX, WMS."""

_NO_PROTOCOL = "none"
"""FFmpeg has no protocol of this name, so none is allowed."""


def container_options() -> dict[str, str]:
    """FFmpeg options that allow only DEMUXERS and no protocol, which excludes external tracks."""
    return {
        "format_whitelist": ",".join(DEMUXERS),
        "protocol_whitelist": _NO_PROTOCOL,
    }


def deny_external_io(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """FFmpeg's io_open callback: reject every file or address that the input refers to."""
    raise UndecodableAudio("the file refers to another file or address, which is not opened")


def reject_playlists(head: bytes) -> None:
    """Reject playlists and manifests with a clear error.

    Raises:
        UndecodableAudio: the file begins like a playlist.
    """
    text = head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml"):
        text = text.partition(b"?>")[2].lstrip()
    if text.startswith(_PLAYLIST_PREFIXES):
        raise UndecodableAudio(
            "the file is a playlist that names other files and contains no audio"
        )


MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000
MAX_DSD_RATE_HZ = 2_822_400
"""FFmpeg's rate of DSD512, an eighth of its number of bits per second; other recordings have less.
Resampling from an absurd rate takes gigabytes, and each sample at 1 Hz becomes 16,000."""
_DSD_CODECS = ("dsd_", "dst")
"""Prefixes of FFmpeg's names; DST is compressed DSD."""

_SAMPLE_BYTES = 4
"""Decoded samples are float32."""
_MB = 1_000_000
LEAST_BYTES_PER_S = 10
"""Fewer bytes per second of audio are implausible, even for compressed silence."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits per file; a value that is not set means no limit."""

    bytes: int | None = None
    """Size of the fetched file."""
    audio_s: float = math.inf
    """Duration in s."""
    channels: float = math.inf
    """Number of channels in the file, whichever of them are requested."""
    rate_hz: int = MAX_RATE_HZ
    """Sample rate of audio other than DSD."""
    decoded_mb: float = math.inf
    """Size of its samples at 16 kHz, all channels together, in MB (10^6 bytes)."""

    @classmethod
    def of(cls, settings: "Settings") -> "Limits":
        """The limits in the settings."""
        return cls(
            bytes=settings.max_bytes,
            audio_s=settings.max_audio_s,
            channels=settings.max_channels,
            rate_hz=settings.max_sample_rate,
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

    def allow(self, rate: int, codec: str, channels: int) -> bool:
        """Whether audio of this sample rate, in Hz, and number of channels is accepted."""
        return channels <= self.channels and MIN_RATE_HZ <= rate <= self._max_rate(codec)

    def check_rate(self, rate: int, codec: str) -> None:
        """Reject an absurd sample rate, in Hz, before a resampler is built for it.

        Raises:
            UndecodableAudio: naming the rate and the allowed range.
        """
        most = self._max_rate(codec)
        if not MIN_RATE_HZ <= rate <= most:
            setting = "" if most == MAX_DSD_RATE_HZ else " (FLEET_MAX_SAMPLE_RATE)"
            raise UndecodableAudio(
                f"the sample rate is {rate} Hz; allowed are {MIN_RATE_HZ} to {most} Hz{setting}"
            )

    def _max_rate(self, codec: str) -> int:
        return MAX_DSD_RATE_HZ if codec.startswith(_DSD_CODECS) else self.rate_hz

    def check_declared(self, seconds: float, channels: int, size_bytes: int) -> None:
        """Reject a file by its declared duration, before it is decoded.

        A duration that is implausible for the size of the file does not count: its header is
        damaged, or most of the file is missing.

        Raises:
            AudioTooLong: the declared duration, or its size once decoded, exceeds the limit.
        """
        if seconds * LEAST_BYTES_PER_S > size_bytes:
            return
        if seconds > self.audio_s:
            raise AudioTooLong(
                f"{seconds:.0f} s of audio; the limit is {self.audio_s:.0f} s (FLEET_MAX_AUDIO_S)"
            )
        self._check_size(seconds * SAMPLE_RATE * channels)

    def check_decoded(self, length: int, channels: int) -> None:
        """Reject a file by the audio that has been decoded so far.

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


UNLIMITED = Limits()
"""For trusted files."""
