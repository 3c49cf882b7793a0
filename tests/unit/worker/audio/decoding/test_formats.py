"""Files that refer to other files are rejected, and only the file itself is opened."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import av
import pytest

from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.audio.decoding.input_checks import DEMUXERS, container_options
from funasr_fleet.worker.errors import UndecodableAudio
from tests.support import bad_audio as referring
from tests.support.audio import as_file, encode, tone, wav
from tests.support.bad_audio import ListeningServer, WatchedFile, listening, watched

DECODE = "funasr_fleet.worker.audio.decoding.decode"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A local file that no audio may refer to."""
    path = tmp_path / "private.ts"
    path.write_bytes(encode(tone(2), "mpegts", "mp2", 16_000))
    return path


@pytest.fixture
def file(private: Path) -> Iterator[WatchedFile]:
    with watched(private) as watching:
        yield watching


@pytest.fixture
def server() -> Iterator[ListeningServer]:
    with listening() as running:
        yield running


REFERRING: dict[str, Callable[[Path, int], bytes]] = {
    "a.m3u8": lambda path, _: referring.playlist(str(path)),
    "b.m3u8": lambda path, _: referring.playlist(f"file://{path}"),
    "c.m3u8": lambda _, port: referring.playlist(f"http://127.0.0.1:{port}/a.ts"),
    "a.ffconcat": lambda path, _: referring.concat(path.name),
    "b.ffconcat": lambda path, _: referring.concat(f"file:{path}"),
    "c.ffconcat": lambda _, port: referring.concat(f"http://127.0.0.1:{port}/a.wav"),
    "a.sdp": lambda _, port: referring.session(port),
    "a.mpd": lambda _, port: referring.manifest(f"http://127.0.0.1:{port}/a.mp4"),
    "b.mpd": lambda path, _: referring.manifest(f"file://{path}"),
    "a.mov": lambda path, _: referring.movie_of_another_file(path),
    "a.pls": lambda path, _: f"[playlist]\nFile1={path}\n".encode(),
}


@pytest.fixture(params=REFERRING)
def body(request: pytest.FixtureRequest, private: Path, server: ListeningServer) -> bytes:
    return REFERRING[request.param](private, server.port)


@pytest.fixture(params=["unnamed", "named"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, body: bytes) -> BinaryIO:
    """The body as an unnamed and as a named file, because FFmpeg also considers names."""
    if request.param == "unnamed":
        return as_file(body)
    name = next(name for name in REFERRING if f"[named-{name}]" in request.node.name)
    (tmp_path / name).write_bytes(body)
    return (tmp_path / name).open("rb")


def _refused(opened: BinaryIO) -> str:
    with opened, pytest.raises(UndecodableAudio) as caught:
        decode_file(opened)
    return str(caught.value)


def test_a_file_that_refers_to_another_is_rejected_and_nothing_is_opened(
    opened: BinaryIO, file: WatchedFile, server: ListeningServer
) -> None:
    said = _refused(opened)
    assert "other" in said
    assert (file.was_opened, server.connections) == (False, 0)


def test_ffmpeg_opens_nothing_even_when_a_playlist_is_not_recognised(
    opened: BinaryIO, file: WatchedFile, server: ListeningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{DECODE}.reject_playlists", lambda head: None)
    assert _refused(opened)
    assert (file.was_opened, server.connections) == (False, 0)


def test_without_restrictions_ffmpeg_opens_what_a_playlist_names(
    tmp_path: Path, private: Path, file: WatchedFile
) -> None:
    """Shows that the tests above can fail."""
    path = tmp_path / "a.m3u8"
    path.write_bytes(referring.playlist(str(private)))
    with path.open("rb") as opened, av.open(opened) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 0
    assert file.was_opened


def test_without_restrictions_ffmpeg_opens_what_a_movie_names(
    private: Path, file: WatchedFile
) -> None:
    movie = io.BytesIO(referring.movie_of_another_file(private))
    with av.open(movie, container_options={"enable_drefs": "1", "use_absolute_path": "1"}):
        assert file.was_opened


def test_a_movie_with_external_references_enabled_opens_nothing(
    private: Path, file: WatchedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = {**container_options(), "enable_drefs": "1", "use_absolute_path": "1"}
    monkeypatch.setattr(f"{DECODE}.container_options", lambda: unlocked)
    assert _refused(io.BytesIO(referring.movie_of_another_file(private)))
    assert not file.was_opened


@pytest.mark.parametrize("beginning", [b"\xef\xbb\xbf#EXTM3U", b"\n\n #extm3u", b"<?xml?>\n<MPD "])
def test_playlists_are_recognised_by_their_beginning(beginning: bytes) -> None:
    assert "playlist that names other files" in _refused(as_file(beginning + b"\nx" * 100))


def test_every_accepted_format_exists_in_ffmpeg() -> None:
    """A misspelt name would reject files of that format."""
    for name in DEMUXERS:
        assert av.format.ContainerFormat(name, "r").is_input


def test_formats_that_open_other_files_are_not_accepted() -> None:
    referring_ones = {"hls", "dash", "concat", "sdp", "rtsp", "image2", "webm_dash_manifest", "imf"}
    assert not referring_ones & set(DEMUXERS)


RECORDINGS = [SAMPLES / sample.name for sample in load_samples()]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_the_restrictions_do_not_change_decoding(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.name == "not-audio.mp3":
        assert _refused(path.open("rb"))
        return
    with path.open("rb") as opened:
        locked = decode_file(opened)
    monkeypatch.setattr(f"{DECODE}.container_options", lambda: {})
    with path.open("rb") as opened:
        free = decode_file(opened)
    assert (locked.planes == free.planes).all()
    assert locked.duration_ms > 0


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("w64", "pcm_s16le", 16_000),
        ("aiff", "pcm_s16be", 16_000),
        ("au", "pcm_s16be", 16_000),
        ("caf", "pcm_s16le", 16_000),
        ("adts", "aac", 16_000),
        ("ac3", "ac3", 48_000),
        ("eac3", "eac3", 48_000),
        ("mp2", "mp2", 16_000),
        ("mpegts", "mp2", 16_000),
        ("mpeg", "mp2", 44_100),
        ("asf", "mp2", 16_000),
        ("avi", "pcm_s16le", 16_000),
        ("flv", "aac", 44_100),
        ("matroska", "libopus", 48_000),
        ("mov", "pcm_s16le", 16_000),
        ("3gp", "aac", 16_000),
        ("wv", "wavpack", 16_000),
        ("tta", "tta", 16_000),
        ("voc", "pcm_u8", 16_000),
        ("nut", "pcm_s16le", 16_000),
        ("rm", "ac3", 44_100),
    ],
)
def test_common_containers_are_accepted(container: str, codec: str, rate: int) -> None:
    body = encode(tone(2, rate=rate), container, codec, rate)
    assert decode_file(as_file(body)).duration_ms == pytest.approx(2000, abs=120)


def test_rf64_is_accepted() -> None:
    body = encode(tone(2), "wav", "pcm_s16le", 16_000, rf64="always")
    assert body[:4] == b"RF64"
    assert decode_file(as_file(body)).duration_ms == 2000
    assert decode_file(as_file(wav(tone(2)))).duration_ms == 2000
