"""Limits are those of the settings, and say which setting stopped a file."""

import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.audio.input_checks import UNLIMITED, Limits
from funasr_fleet.worker.errors import AudioTooLong, UndecodableAudio


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings.model_construct(
        max_bytes=1, max_audio_s=2.0, max_channels=3, max_decoded_mb=4.0
    )
    assert Limits.of(settings) == Limits(bytes=1, audio_s=2, channels=3, decoded_mb=4)


def test_by_default_twelve_hours_of_stereo_pass_in_every_respect() -> None:
    limits, seconds = Limits.of(Settings.model_construct()), 12 * 3600
    assert limits.bytes
    assert seconds * 48_000 * 2 * 2 < limits.bytes
    limits.check_channels(2)
    limits.check_declared(seconds, 2)
    limits.check_decoded(seconds * 16_000, 2)


@pytest.mark.parametrize(
    ("seconds", "channels"), [(100 * 3600, 1), (12 * 3600, 8), (12 * 3600, 32)]
)
def test_by_default_a_hundred_hours_or_many_channels_are_stopped(
    seconds: int, channels: int
) -> None:
    limits = Limits.of(Settings.model_construct())
    with pytest.raises(AudioTooLong):
        limits.check_declared(seconds, channels)
    with pytest.raises(AudioTooLong):
        limits.check_decoded(seconds * 16_000, channels)
    with pytest.raises(UndecodableAudio, match="FLEET_MAX_CHANNELS"):
        limits.check_channels(64)


def test_without_limits_anything_passes() -> None:
    UNLIMITED.check_channels(1000)
    UNLIMITED.check_declared(1e9, 1000)
    UNLIMITED.check_decoded(10**15, 1000)
