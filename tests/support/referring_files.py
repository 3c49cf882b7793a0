"""Files that name other files or addresses, as FFmpeg follows them when it is let."""

import struct
from pathlib import Path

from tests.support.sounds import encode, tone

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def playlist(target: str) -> bytes:
    """An HLS playlist of one segment."""
    lines = ("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", "#EXTINF:2,", target)
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


def concat(target: str) -> bytes:
    """A list for FFmpeg's concat demuxer."""
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def session(port: int) -> bytes:
    """An SDP description of a stream that comes in on a port."""
    lines = ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0")
    return "\r\n".join([*lines, f"m=audio {port} RTP/AVP 0", ""]).encode()


def manifest(target: str) -> bytes:
    """A DASH manifest of one representation."""
    return f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1000">
<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>""".encode()


def movie_of_another_file(target: Path) -> bytes:
    """A MOV whose one track says that its samples lie in another file (an alias in its dref)."""
    body = encode(tone(2), "mov", "pcm_s16le", 16_000)
    at = body.index(b"dref") - 4
    size = int.from_bytes(body[at : at + 4], "big")
    alias = _alias(bytes(target))
    dref = struct.pack(">I4sII", 16 + len(alias), b"dref", 0, 1) + alias
    changed = bytearray(body[:at] + dref + body[at + size :])
    for parent in _PARENTS:
        start = body.index(parent) - 4
        longer = int.from_bytes(body[start : start + 4], "big") + len(dref) - size
        changed[start : start + 4] = longer.to_bytes(4, "big")
    return bytes(changed)


def _alias(path: bytes) -> bytes:
    """An `alis` entry; its fields stand where libavformat/mov.c looks for them."""
    fixed = bytes(10) + b"\0" + bytes(27) + bytes(12) + b"\0" + bytes(63) + bytes(16)
    levels = struct.pack(">hh", -1, -1) + bytes(16)
    padded = path + bytes(len(path) % 2)
    paths = struct.pack(">hH", 2, len(padded)) + padded + struct.pack(">hH", -1, 0)
    rest = bytes(4) + fixed + levels + paths
    return struct.pack(">I4s", 8 + len(rest), b"alis") + rest
