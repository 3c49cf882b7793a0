"""Which audio track of a file is decoded."""

from collections.abc import Iterator, Sequence
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.tracks import choose_track, is_sound
from funasr_fleet.worker.errors import UndecodableAudio
from tests.support.audio import Planes, as_file, tone
from tests.support.bad_audio import sound_file
from tests.support.examples import a_ref, a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.odd_audio import movie, surround_movie

SILENCE = np.zeros((1, 160_000), np.float32)
VOICE, LOUDER = tone(20), 2 * tone(10)


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


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_a_requested_track_is_taken_even_if_it_is_silent(wanted: int) -> None:
    tracks = [SILENCE, VOICE, LOUDER]
    pieces = list(decode_pieces(as_file(movie(tracks, default=1)), track=wanted))
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    np.testing.assert_allclose(planes, tracks[wanted], atol=1e-3)


class Stumbling:
    """A container whose first attempt to read a packet fails, or the one after the last packet."""

    def __init__(
        self, body: bytes, first: Exception | None = None, last: Exception | None = None
    ) -> None:
        self._container = av.open(as_file(body))
        self._first, self._last = first, last
        self.streams, self.format = self._container.streams, self._container.format

    def demux(self, *streams: Any) -> Iterator[Any]:
        error, self._first = self._first, None
        if error:
            raise error
        yield from self._container.demux(*streams)
        if self._last:
            raise self._last

    def close(self) -> None:
        self._container.close()


def test_an_error_before_the_sound_of_a_track_does_not_make_it_silent() -> None:
    body = movie([VOICE, LOUDER])
    container: Any = Stumbling(body)

    def reopen() -> Any:
        return Stumbling(body, av.InvalidDataError(1, "damage"))

    assert choose_track(container, None, reopen) == 0


def test_a_silent_track_of_a_file_with_an_unknown_stream_is_silent() -> None:
    body = movie([SILENCE, VOICE])
    container: Any = Stumbling(body)

    def reopen() -> Any:
        return Stumbling(body, last=IndexError("a stream that began in mid-file"))

    assert choose_track(container, None, reopen) == 1


@pytest.mark.parametrize("at", [380, 401])
def test_a_track_that_appears_twice_by_damage_is_one_track(at: int) -> None:
    """FFmpeg reads damaged headers of Matroska twice."""
    body = sound_file("mka with aac")
    body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
    with av.open(as_file(body)) as container:
        assert len(container.streams.audio) == 2
    (first, *_) = decode_pieces(as_file(body))
    assert first.track is None
    with pytest.raises(UndecodableAudio, match="no audio track 1: the file has 1 audio track"):
        list(decode_pieces(as_file(body), track=1))


def test_only_audio_tracks_are_counted() -> None:
    body = movie([LOUDER, VOICE], with_video=True)
    (first, *_) = decode_pieces(as_file(body), track=1)
    assert first.track == 1
    assert sum(piece.planes.shape[1] for piece in decode_pieces(as_file(body), track=1)) == 320_000


@pytest.mark.parametrize(("channels", "layout"), [(8, "7.1"), (16, "hexadecagonal")])
@pytest.mark.parametrize("loud", [0, 1])
def test_tracks_of_many_planes_are_searched_for_sound(
    channels: int, layout: str, loud: int
) -> None:
    """PyAV crashes when it reads the samples of a planar frame with 8 or more channels."""
    voice = np.repeat(tone(1, rate=48_000), channels, axis=0)
    tracks = [voice if number == loud else 0 * voice for number in range(2)]
    pieces = list(decode_pieces(as_file(surround_movie(tracks, layout))))
    assert {piece.track for piece in pieces} == {loud}
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    assert planes.shape == (channels, pytest.approx(16_000, abs=1_600))
    assert np.abs(planes).max() > 0.1


def test_a_requested_track_is_named_without_a_warning_and_a_missing_one_fails(
    bench: Workbench,
) -> None:
    several = bench.upload_bytes("a.mkv", movie([LOUDER, VOICE, SILENCE]))
    own = bench.upload_bytes("b.mkv", movie([LOUDER, VOICE]))
    one = bench.upload_bytes("c.mkv", movie([LOUDER]))
    refs = [a_ref(several, index=0), a_ref(own, index=1, options={"audio_track": 0})]
    bench.run(a_shard(*refs, a_ref(one, index=2), options={"audio_track": 1}))
    found, others, missing = map(bench.document, ("a.mkv.json", "b.mkv.json", "c.mkv.error.json"))
    assert (found["audio"]["track"], others["audio"]["track"]) == (1, 0)
    assert (found["audio"]["duration_ms"], others["audio"]["duration_ms"]) == (20_000, 10_000)
    assert "warnings" not in found
    assert found["receipt"]["options"]["audio_track"] == 1
    assert missing["error"]["kind"] == "undecodable_audio"
    reason = "there is no audio track 1: the file has 1 audio track, counted from 0"
    assert missing["error"]["message"] == reason


def test_the_result_names_the_track(bench: Workbench) -> None:
    several = bench.upload_bytes("a.mkv", movie([SILENCE, VOICE]))
    one = bench.upload_bytes("b.mkv", movie([VOICE]))
    bench.run(a_shard(several, one))
    document = bench.document("a.mkv.json")
    assert document["audio"]["track"] == 1
    assert document["warnings"] == ["several_audio_tracks"]
    assert "track" not in bench.document("b.mkv.json")["audio"]


@pytest.mark.parametrize("format_name", ["fltp", "s16", "u8"])
def test_a_frame_without_samples_is_silent(format_name: str) -> None:
    assert not is_sound(AudioFrame(format_name, "mono", 0))
