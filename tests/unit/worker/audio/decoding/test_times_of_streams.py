"""Times of audio in MPEG streams, whose recordings may be cut out of a broadcast."""

import numpy as np
import pytest

from tests.support.bad_audio import decoded
from tests.support.odd_audio import ffmpeg

VIDEO = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=8")
SOUND = ("-itsoffset", "5", "-f", "lavfi", "-i", "sine=440:r=48000:d=3")


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("mpegts", "mpeg2video", "aac"),
        ("mpegts", "mpeg2video", "mp2"),
        ("mpeg", "mpeg1video", "mp2"),
        ("vob", "mpeg2video", "ac3"),
    ],
)
def test_audio_that_begins_later_than_the_video_keeps_its_times(
    container: str, video: str, audio: str
) -> None:
    codecs = ("-c:v", video, "-c:a", audio, "-f", container)
    found = decoded(ffmpeg(b"", *VIDEO, *SOUND, "-map", "0:v", "-map", "1:a", *codecs, "pipe:1"))
    assert found.lost_ms == 0
    assert found.filled_ms == pytest.approx(5000, abs=150)
    assert found.seconds == pytest.approx(8, abs=0.2)
    assert not found.samples[: round(4.8 * 16_000)].any()
    assert np.abs(found.samples[round(5.3 * 16_000) :]).max() > 0.05
