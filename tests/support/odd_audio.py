"""Unusual but real kinds of recordings: paused, late, joined, several tracks, rare headers."""

import io
import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
from av.stream import Disposition

from tests.support.audio import Planes, encode, id3, tone
from tests.support.bad_audio import sound_file


def movie(
    tracks: Sequence[Planes], default: int | None = None, *, with_video: bool = False
) -> bytes:
    """A Matroska file with these tracks, after a video track if there is one."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        video: Any = output.add_stream("mjpeg", rate=1) if with_video else None
        streams: list[Any] = []
        for number, _ in enumerate(tracks):
            stream: Any = output.add_stream("pcm_s16le", rate=16_000, layout="mono")
            stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        if video:
            video.width, video.height, video.pix_fmt = 16, 16, "yuvj420p"
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            output.mux([*video.encode(picture), *video.encode(None)])
        for stream, planes in zip(streams, tracks, strict=True):
            samples = (32_767 * planes).astype(np.int16)
            frame: Any = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 16_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                output.mux(packet)
    return file.getvalue()


def surround_movie(tracks: Sequence[Planes], layout: str) -> bytes:
    """A Matroska file with these tracks of many channels at 48 kHz, decoded to planar frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = [output.add_stream("wavpack", rate=48_000, layout=layout) for _ in tracks]
        for stream, planes in zip(streams, tracks, strict=True):
            packed = np.ascontiguousarray(planes.T).reshape(1, -1)
            frame: Any = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                output.mux(packet)
    return file.getvalue()


def with_pause(
    container: str, codec: str, rate: int, pause_s: float, from_s: float = 2, **options: str
) -> bytes:
    """A recording that was paused: timestamps jump, but no data is missing."""
    planes = tone(4, rate=rate)
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=options) as output:
            stream = output.add_stream(codec, rate=rate, layout="mono")
            for at in range(0, planes.shape[1], 960):
                piece = np.ascontiguousarray(planes[:, at : at + 960])
                frame: Any = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
                for packet in stream.encode(frame):
                    output.mux(_later(packet, from_s, pause_s))
            for packet in stream.encode(None):
                output.mux(_later(packet, from_s, pause_s))
        return file.read()


def _later(packet: Any, from_s: float, pause_s: float) -> Any:
    if packet.pts * packet.time_base >= from_s:
        packet.pts += round(pause_s / packet.time_base)
        packet.dts = packet.pts
    return packet


def with_other_times(
    body: bytes, container: str, delay: Callable[[int, float], float | None]
) -> bytes:
    """The same packets with other timestamps.

    Args:
        body: a file with one audio stream.
        container: FFmpeg's name of its format.
        delay: delay of a packet in s, from its number and its time in s; None drops the packet.
    """
    file = io.BytesIO()
    with av.open(io.BytesIO(body)) as given, av.open(file, "w", format=container) as output:
        stream = output.add_stream_from_template(given.streams.audio[0])
        for number, packet in enumerate(given.demux(given.streams.audio[0])):
            if packet.pts is None:
                continue
            later_s = delay(number, float(packet.pts * packet.time_base))
            if later_s is not None:
                packet.pts += round(later_s / packet.time_base)
                packet.dts, packet.stream = packet.pts, stream
                output.mux(packet)
    return file.getvalue()


ENCODERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mp3": ("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    "adts": ("adts", "aac", {}),
    "ts": ("mpegts", "mp2", {}),
    "chained opus": ("ogg", "libopus", {}),
}


def joined(name: str, parts: Sequence[tuple[int, int]]) -> bytes:
    """Three seconds of each rate and number of channels, joined as `cat` does."""
    container, codec, options = ENCODERS[name]
    return b"".join(
        encode(tone(3, rate=rate, channels=channels), container, codec, rate, **options)
        for rate, channels in parts
    )


def amr_with_pauses(seconds: float, pause_s: float) -> bytes:
    """Sound with a pause after 2 s, as phones encode it: comfort noise, then empty frames."""
    body = sound_file("amr", seconds)
    frames = [body[at : at + 13] for at in range(6, len(body), 13)]
    pause = [b"\x44\x00\x00\x00\x00\x00", *[b"\x7c"] * (round(pause_s / 0.02) - 1)]
    return body[:6] + b"".join([*frames[:100], *pause, *frames[100:]])


def sphere(planes: Planes) -> bytes:
    """A NIST SPHERE file of 16-bit samples at 16 kHz."""
    fields = {"channel_count": 1, "sample_rate": 16_000, "sample_n_bytes": 2}
    fields |= {"sample_count": planes.shape[1]}
    lines = [f"{name} -i {value}" for name, value in fields.items()]
    lines += ["sample_byte_format -s2 01", "sample_coding -s3 pcm", "end_head", ""]
    head = "\n".join(["NIST_1A", "   1024", *lines]).encode()
    samples: bytes = (32_767 * planes[0]).astype("<i2").tobytes()
    return head.ljust(1024) + samples


def wav_of_many_channels(planes: Planes) -> bytes:
    """A WAV file of 16-bit samples at 16 kHz with any number of channels."""
    count, samples = planes.shape
    body: bytes = (32_767 * planes.T).astype("<i2").tobytes()
    described = struct.pack("<IHHIIHH", 16, 1, count, 16_000, 32_000 * count, 2 * count, 16)
    head = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + described
    assert len(body) == 2 * samples * count
    return head + b"data" + struct.pack("<I", len(body)) + body


def rifx(planes: Planes) -> bytes:
    """A WAV file of 16-bit samples at 16 kHz whose numbers are big-endian."""
    samples: bytes = (32_767 * planes[0]).astype(">i2").tobytes()
    described = struct.pack(">IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    head = b"RIFX" + struct.pack(">I", 36 + len(samples)) + b"WAVEfmt " + described
    return head + b"data" + struct.pack(">I", len(samples)) + samples


def with_cover(seconds: float, cover_bytes: int) -> bytes:
    """An mp3 file with a Xing header behind a large ID3 tag."""
    return id3(cover_bytes) + encode(tone(seconds, rate=44_100), "mp3", "libmp3lame", 44_100)


def with_subtitles(body: bytes, until_s: int) -> bytes:
    """A Matroska file of this audio and of longer subtitles, made by `ffmpeg`."""
    with tempfile.TemporaryDirectory() as folder:
        subtitles, out = Path(folder) / "a.srt", Path(folder) / "a.mkv"
        subtitles.write_text(f"1\n00:00:{until_s - 1:02},000 --> 00:00:{until_s:02},000\nend\n")
        inputs = ("-i", "pipe:0", "-i", str(subtitles))
        ffmpeg(body, *inputs, "-c:a", "copy", "-c:s", "srt", "-map", "0", "-map", "1", str(out))
        return out.read_bytes()


def seconds_of_ffmpeg(body: bytes) -> float:
    """Seconds of audio that the `ffmpeg` command decodes."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        raw = ("-f", "s16le", "-ac", "1", "-ar", "16000", "pipe:1")
        return len(ffmpeg(b"", "-i", file.name, *raw)) / 32_000


def ffmpeg(given: bytes, *arguments: str) -> bytes:
    """What the `ffmpeg` command writes to its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False).stdout
