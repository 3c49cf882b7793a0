"""Allowed container formats: only files that contain their audio; playlists are rejected.

FFmpeg also accepts playlists, manifests and stream descriptions as audio, and opens what they
name: local files and network addresses. Here, it opens only the file it is given.
"""

from typing import Any, NoReturn

from funasr_fleet.worker.errors import UndecodableAudio

DEMUXERS = (
    # uncompressed samples
    *("wav", "w64", "aiff", "au", "caf", "voc", "sox", "nistsphere", "ircam"),
    # one codec, in its own file format
    *("flac", "mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd", "amr", "amrnb"),
    *("amrwb", "gsm", "qcp", "ilbc", "wv", "ape", "tta", "tak", "shn", "mpc", "mpc8", "dsf", "iff"),
    # multi-stream containers
    *("ogg", "mov", "mp4", "matroska", "webm", "asf", "avi", "flv", "mpeg", "mpegts", "mxf", "nut"),
    *("rm", "dv"),
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
    """FFmpeg options that allow only these formats and no protocol, so no external MOV track."""
    return {
        "format_whitelist": ",".join(DEMUXERS),
        "protocol_whitelist": _NO_PROTOCOL,
    }


def deny_external_io(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
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
