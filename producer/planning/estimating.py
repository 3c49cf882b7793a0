"""PURE: estimate the audio of a reference without opening it."""

from collections.abc import Mapping
from types import MappingProxyType

from funasr_fleet.contract.job import AudioRef

DEFAULT_MS = 60_000
"""Estimate for a file of unknown size: a short phone call."""

LONGEST_MS = 1 << 35
"""397 days. The maximum number of files in a job (2**27) times this is 2**62, which fits into the
signed 64-bit counters of Redis."""

TYPICAL_BYTES_PER_SECOND: Mapping[str, float] = MappingProxyType(
    {
        # 16-bit samples at 16 kHz, one channel; telephony at 8 kHz is half of it, music is more
        "wav": 32_000,
        "caf": 32_000,
        # a CD: 16 bit at 44.1 kHz, two channels
        "aif": 176_400,
        "aiff": 176_400,
        # G.711, 8 bit at 8 kHz, as telephony stores it in Sun's format
        "au": 8_000,
        # 55 % of the WAV size: the upper end of what FLAC saves on speech
        "flac": 17_600,
        # 128 kbit/s, the default of lame
        "mp3": 16_000,
        # 192 kbit/s, usual for layer II in broadcasting
        "mp2": 24_000,
        # 96 kbit/s, between speech (64) and music (128) as phones and meetings record
        "aac": 12_000,
        "m4a": 12_000,
        "m4b": 8_000,  # 64 kbit/s: books
        # 64 kbit/s: Vorbis at quality 0, by Xiph's table of nominal bit rates
        "oga": 8_000,
        "ogg": 8_000,
        # 32 kbit/s, within the 28-40 kbit/s that RFC 7587, section 3.1.1 names for full-band speech
        "opus": 4_000,
        # RFC 4867, section 5: a frame of the 12.2 kbit/s mode takes 32 bytes for 20 ms
        "amr": 1_600,
        # 128 kbit/s, as Windows Media Player rips
        "wma": 16_000,
        "mka": 16_000,
        # Zoom's support page on recording formats: about 200 MB for an hour of video
        "mp4": 55_000,
        "mkv": 55_000,
        "webm": 55_000,
        # phone cameras: 1080p in HEVC takes about 60 MB a minute
        "mov": 1_000_000,
    }
)
"""Typical bytes per second of audio by lower-case suffix, used where no rate was measured."""

OTHER_BYTES_PER_SECOND = 16_000.0
"""Rate for every other suffix: the middle of the table."""


def suffix_of(address: str) -> str:
    """The lower-case suffix without the dot; "" if the last part of the address has none."""
    suffix = address[address.rfind(".") + 1 :]
    return "" if "/" in suffix else suffix.lower()


def estimate_ms(ref: AudioRef, duration_ms: int | None) -> int:
    """Audio of one reference in ms: the known duration, else an estimate from the file size.

    At most LONGEST_MS, so that Redis can sum the estimates of any number of files.

    Args:
        ref: the reference; only its range counts, not the rest of the file.
        duration_ms: duration of the whole file, if known.
    """
    end_ms = ref.end_ms
    if duration_ms is not None:
        end_ms = duration_ms if end_ms is None else min(end_ms, duration_ms)
    elif end_ms is None:
        end_ms = _whole_ms(ref)
    return min(LONGEST_MS, max(0, end_ms - (ref.start_ms or 0)))


def _whole_ms(ref: AudioRef) -> int:
    size_bytes = ref.size_bytes
    if size_bytes is None:
        return DEFAULT_MS
    audio = ref.audio
    rate = TYPICAL_BYTES_PER_SECOND.get(audio[audio.rfind(".") + 1 :])
    if rate is None:  # most suffixes are lower-case; skip the conversion for these
        rate = TYPICAL_BYTES_PER_SECOND.get(suffix_of(audio), OTHER_BYTES_PER_SECOND)
    return int(1000 * size_bytes / rate)
