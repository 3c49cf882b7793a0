"""Which kinds of file are decoded: those that hold their sound themselves, and no lists of others.

FFmpeg takes playlists, manifests and descriptions of streams for audio as well, and opens what
they name: files of this machine, and addresses in its network. None of these is opened here.
"""

from typing import Any, NoReturn

from worker.failures import UndecodableAudio

DEMUXERS = (
    # samples as they are
    *("wav", "w64", "aiff", "au", "caf", "voc", "sox", "nistsphere", "ircam"),
    # one codec, in its own file
    *("flac", "mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd", "amr", "amrnb"),
    *("amrwb", "gsm", "qcp", "ilbc", "wv", "ape", "tta", "tak", "shn", "mpc", "mpc8", "dsf", "iff"),
    # containers of several streams
    *("ogg", "mov", "mp4", "matroska", "webm", "asf", "avi", "flv", "mpeg", "mpegts", "mxf", "nut"),
    *("rm", "dv"),
)
"""FFmpeg's names of the formats taken; its wav reads RF64 and BW64, its mov 3GP and M4A."""

_LISTS = (
    b"#extm3u",
    b"ffconcat",
    b"<mpd",
    b"v=0",
    b"[playlist]",
    b"<smil",
    b"<asx",
    b"[reference]",
)
"""How lists of other files begin, in lower case: HLS, concat, DASH, SDP, PLS, SMIL, ASX, WMS."""

_NO_PROTOCOL = "none"
"""No protocol of FFmpeg's has this name, so that none is allowed."""


def container_options() -> dict[str, str]:
    """FFmpeg's own locks: these formats, no protocol, no track of a MOV that lies elsewhere."""
    return {
        "format_whitelist": ",".join(DEMUXERS),
        "protocol_whitelist": _NO_PROTOCOL,
    }


def open_nothing(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    """What FFmpeg gets when it asks for anything besides the file it was given."""
    raise UndecodableAudio("it refers to another file or address, and none is opened")


def refuse_lists(head: bytes) -> None:
    """Say clearly what is wrong with a file that only names others.

    Raises:
        UndecodableAudio: its beginning is that of such a list.
    """
    text = head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml"):
        text = text.partition(b"?>")[2].lstrip()
    if text.startswith(_LISTS):
        raise UndecodableAudio("it is a list that names other files, and holds no audio itself")
