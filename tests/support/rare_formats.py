"""Files of formats that FFmpeg reads but cannot write, or writes only with a video track."""

import random
import struct
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from tests.support.audio import as_file, noise, tone, wav
from tests.support.odd_audio import ffmpeg

SECONDS = 2.0
_DSD_HZ = 2_822_400
_FPS = 25


def sphere() -> bytes:
    """NIST SPHERE of 16-bit samples."""
    lines = (
        *("NIST_1A", "   1024", "channel_count -i 1", "sample_rate -i 16000"),
        *(f"sample_count -i {round(SECONDS * 16_000)}", "sample_n_bytes -i 2"),
        *("sample_byte_format -s2 01", "sample_coding -s3 pcm", "end_head", ""),
    )
    return "\n".join(lines).encode().ljust(1024) + (noise(SECONDS) * 32_000).astype("<i2").tobytes()


def amiga() -> bytes:
    """IFF 8SVX of 8-bit samples at 8 kHz."""
    samples = (noise(SECONDS)[::2] * 127).astype("i1").tobytes()
    head = struct.pack(">4sIIIIHBBI", b"VHDR", 20, len(samples), 0, 0, 8_000, 1, 0, 0x10000)
    body = b"8SVX" + head + struct.pack(">4sI", b"BODY", len(samples)) + samples
    return struct.pack(">4sI", b"FORM", len(body)) + body


def dsf(factor: int = 1) -> bytes:
    """DSD64 in Sony's format, or a multiple of its rate."""
    sound = factor * _dsd()
    form = (52, 1, 0, 1, 1, factor * _DSD_HZ, 1, 8 * len(sound), 4096, 0)
    chunks = struct.pack("<4sQIIIIIIQII", b"fmt ", *form)
    chunks += struct.pack("<4sQ", b"data", 12 + len(sound)) + sound
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(chunks), 0) + chunks


def dff() -> bytes:
    """DSD64 in the format of Philips."""
    properties = b"SND " + _chunk(b"FS  ", struct.pack(">I", _DSD_HZ))
    properties += _chunk(b"CHNL", struct.pack(">H", 1) + b"SLFT")
    properties += _chunk(b"CMPR", b"DSD \x0enot compressed\0")
    parts = _chunk(b"FVER", b"\1\5\0\0") + _chunk(b"PROP", properties) + _chunk(b"DSD ", _dsd())
    return _chunk(b"FRM8", b"DSD " + parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">4sQ", name, len(body)) + body


def _dsd() -> bytes:
    return random.Random(0).randbytes(round(SECONDS * _DSD_HZ / 8 / 4096) * 4096)


def gsm() -> bytes:
    """GSM 06.10: the first half byte of a frame is 13."""
    return _frames(b"\xd5", 33, 20)


def ilbc() -> bytes:
    """iLBC with frames of 30 ms."""
    return b"#!iLBC30\n" + _frames(b"", 50, 30)


def amr_wb() -> bytes:
    """AMR-WB at 23.85 kbit/s."""
    return b"#!AMR-WB\n" + _frames(b"\x44", 61, 20)


def qcp() -> bytes:
    """QCELP at 13 kbit/s."""
    guid = bytes.fromhex("416d7f5e15b1d011ba9100805fb4b97e")
    codec = (2, b"Qcelp 13K", 13_000, 35, 160, 8_000, 16, 5)
    form = struct.pack("<BB16sH80sHHHHHI", 1, 0, guid, *codec).ljust(150, b"\0")
    sound = _frames(b"\4", 35, 20)
    body = b"QLCM" + struct.pack("<4sI", b"fmt ", len(form)) + form
    body += struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def dss() -> bytes:
    """Standard play of dictation machines: 12 frames of 24 ms in blocks of 512 bytes."""
    head = bytearray(1024)
    head[:4] = b"\2dss"
    head[38:62] = b"260101120000260101120200"  # begin and end of the recording
    dice = random.Random(0)
    blocks = (
        bytes([0, 0, 12, 0, 0, 0]) + dice.randbytes(506) for _ in range(round(SECONDS / 0.29))
    )
    return bytes(head) + b"".join(blocks)


def oma() -> bytes:
    """Sony's OpenMG, with 16-bit samples."""
    head = b"EA3\x01\x00\x60\xff\xff".ljust(32, b"\0") + b"\x04\x00\x50\x11"
    samples = (32_000 * tone(SECONDS, rate=44_100, channels=2)).astype(">i2")
    return b"ea3\x03".ljust(10, b"\0") + head.ljust(96, b"\0") + samples.T.tobytes()


def xwma() -> bytes:
    """Packets of WMA in RIFF, as games contain them."""
    body = ffmpeg(wav(tone(SECONDS)), "-i", "pipe:0", "-c:a", "wmav2", "-f", "asf", "pipe:1")
    with av.open(as_file(body)) as container:
        codec = container.streams.audio[0].codec_context
        packets = [bytes(packet) for packet in container.demux() if packet.size]
        more = codec.extradata or b""
        speed = (codec.bit_rate or 0) // 8
        form = (0x161, 1, codec.sample_rate, speed, len(packets[0]), 16, len(more))
    ends = struct.pack(f"<{len(packets)}I", *(4096 * n for n in range(1, len(packets) + 1)))
    chunks = {
        b"fmt ": struct.pack("<HHIIHHH", *form) + more,
        b"dpds": ends,
        b"data": b"".join(packets),
    }
    parts = (struct.pack("<4sI", name, len(part)) + part for name, part in chunks.items())
    whole = b"XWMA" + b"".join(parts)
    return struct.pack("<4sI", b"RIFF", len(whole)) + whole


def layer_1() -> bytes:
    """MPEG-1 layer I at 384 kbit/s, 48 kHz: 384 bytes for 384 samples, silent."""
    return (b"\xff\xff\xc4\x00" + bytes(380)) * round(SECONDS * 48_000 / 384)


def _frames(first: bytes, size_bytes: int, ms: int) -> bytes:
    return b"".join(_packets(first, size_bytes, ms))


def _packets(first: bytes, size_bytes: int, ms: int) -> Iterator[bytes]:
    """Frames of a fixed size, with random bytes after the first ones."""
    dice = random.Random(0)
    for _ in range(round(SECONDS * 1000 / ms)):
        yield first + dice.randbytes(size_bytes - len(first))


def speex() -> bytes:
    """Narrow-band Speex in Ogg, at 15 kbit/s."""
    fields = (1, 80, 8_000, 0, 4, 1, -1, 160, 0, 1, 0, 0, 0)
    head = struct.pack("<8s20s13i", b"Speex   ", b"1.2", *fields)
    packets = [head, bytes(8), *_packets(b"\x28", 38, 20)]
    flags = {0: 2, len(packets) - 1: 4}
    return b"".join(
        _ogg_page(packet, max(0, 160 * (number - 1)), number, flags.get(number, 0))
        for number, packet in enumerate(packets)
    )


def _ogg_page(packet: bytes, samples: int, number: int, flags: int) -> bytes:
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, samples, 1, number)
    rest = bytes([1, len(packet)]) + packet
    return head + struct.pack("<I", ogg_checksum(head + bytes(4) + rest)) + rest


def ogg_checksum(page: bytes) -> int:
    """RFC 3533: a CRC with the polynomial 04c11db7, neither reflected nor inverted."""
    sum_ = 0
    for byte in page:
        sum_ ^= byte << 24
        for _ in range(8):
            sum_ = (sum_ << 1 ^ (0x04C11DB7 if sum_ >> 31 else 0)) & 0xFFFFFFFF
    return sum_


def mxf() -> bytes:
    """MXF with a video track."""
    return _with_video("mxf", "mpeg2video", 320, 240)


def dv() -> bytes:
    """DV for PAL."""
    return _with_video("dv", "dvvideo", 720, 576)


def _with_video(container: str, codec: str, width: int, height: int) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container) as output:
            video: Any = output.add_stream(codec, rate=_FPS)
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.bit_rate = 1_000_000
            audio = output.add_stream("pcm_s16le", rate=48_000, layout="stereo")
            for number in range(round(SECONDS * _FPS)):
                output.mux(video.encode(_picture(number, width, height)))
                output.mux(audio.encode(_sound(number)))
            output.mux(video.encode(None))
            output.mux(audio.encode(None))
        with open(file.name, "rb") as written:
            return written.read()


def _picture(number: int, width: int, height: int) -> Any:
    frame: Any = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.pts, frame.time_base = number, Fraction(1, _FPS)
    return frame


def _sound(number: int) -> Any:
    samples = (tone(1 / _FPS, rate=48_000, channels=2) * 32_767).astype("<i2")
    packed = np.ascontiguousarray(samples.T.reshape(1, -1))
    frame: Any = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 1920, Fraction(1, 48_000)
    return frame
