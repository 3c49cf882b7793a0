"""PURE: estimate the audio of a reference without opening it."""

from collections.abc import Mapping
from types import MappingProxyType

from funasr_fleet.contract.audio_suffixes import AUDIO_SUFFIXES
from funasr_fleet.contract.job import AudioRef

DEFAULT_MS = 60_000
"""Estimate for a file of unknown size: a short phone call."""

LONGEST_MS = 1 << 35
"""397 days. The maximum number of files in a job (2**27) times this is 2**62, which fits into the
signed 64-bit counters of Redis."""

TYPICAL_BYTES_PER_SECOND: Mapping[str, float] = MappingProxyType(
    {suffix.removeprefix("."): form.bytes_per_second for suffix, form in AUDIO_SUFFIXES.items()}
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
