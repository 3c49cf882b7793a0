"""Which audio track of a file is decoded."""

import io
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from tests.support.audio import Planes, as_file, tone
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench

SILENCE = np.zeros((1, 160_000), np.float32)
VOICE, LOUDER = tone(20), 2 * tone(10)


def movie(tracks: Sequence[Planes], default: int | None = None, codec: str = "pcm_s16le") -> bytes:
    """A Matroska file with these tracks."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams: list[Any] = []
        for number, _ in enumerate(tracks):
            stream: Any = output.add_stream(codec, rate=16_000, layout="mono")
            stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        for stream, planes in zip(streams, tracks, strict=True):
            samples = (32_767 * planes).astype(np.int16)
            frame: Any = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 16_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(
    ("tracks", "default", "chosen"),
    [
        ([VOICE], None, None),
        ([VOICE, LOUDER], None, 0),
        ([LOUDER, VOICE], None, 0),
        ([VOICE, LOUDER], 1, 1),
        ([SILENCE, VOICE], None, 1),
        ([SILENCE, VOICE], 0, 1),
        ([VOICE, SILENCE], 1, 0),
        ([SILENCE, 1e-4 * VOICE, LOUDER], None, 2),
        ([SILENCE, SILENCE], None, 0),
        ([SILENCE, SILENCE], 1, 1),
    ],
)
def test_the_default_or_first_track_is_taken_unless_it_is_silent(
    tracks: Sequence[Planes], default: int | None, chosen: int | None
) -> None:
    pieces = list(decode_pieces(as_file(movie(tracks, default))))
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    expected = tracks[chosen or 0]
    np.testing.assert_allclose(planes, expected, atol=1e-3)
    assert {piece.track for piece in pieces} == {chosen}
    assert sum(piece.lost for piece in pieces) == 0


def test_the_result_names_the_track(bench: Workbench) -> None:
    several = bench.upload_bytes("a.mkv", movie([SILENCE, VOICE]))
    one = bench.upload_bytes("b.mkv", movie([VOICE]))
    bench.run(a_shard(several, one))
    document = bench.document("a.mkv.json")
    assert document["audio"]["track"] == 1
    assert document["warnings"] == ["several_audio_tracks"]
    assert "track" not in bench.document("b.mkv.json")["audio"]
