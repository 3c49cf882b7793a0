"""The worker decodes files of every suffix that counts as audio."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import av
import pytest

from funasr_fleet.contract.audio_suffixes import AUDIO_SUFFIXES
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.audio.decoding.input_checks import DEMUXERS
from funasr_fleet.worker.errors import UndecodableAudio
from tests.support import rare_formats as rare
from tests.support.audio import as_file, encode, tone
from tests.support.decoding import decode
from tests.support.rare_formats import SECONDS

ENCODED: dict[str, tuple[str, str, int]] = {
    ".wav .wave .bwf": ("wav", "pcm_s16le", 16_000),
    ".w64": ("w64", "pcm_s16le", 16_000),
    ".caf": ("caf", "pcm_s16le", 16_000),
    ".ircam .sf": ("ircam", "pcm_s16le", 16_000),
    ".sox": ("sox", "pcm_s32le", 16_000),
    ".aif .aiff .aifc": ("aiff", "pcm_s16be", 44_100),
    ".au .snd": ("au", "pcm_mulaw", 8_000),
    ".voc": ("voc", "pcm_u8", 8_000),
    ".flac": ("flac", "flac", 16_000),
    ".wv": ("wv", "wavpack", 44_100),
    ".tta": ("tta", "tta", 44_100),
    ".mp3 .mpga": ("mp3", "libmp3lame", 44_100),
    ".mp2 .m2a .mpa": ("mp2", "mp2", 48_000),
    ".aac .adts": ("adts", "aac", 44_100),
    ".loas .latm": ("latm", "aac", 44_100),
    ".ac3": ("ac3", "ac3", 48_000),
    ".eac3 .ec3": ("eac3", "eac3", 48_000),
    ".amr": ("amr", "libopencore_amrnb", 8_000),
    ".ogg .ogx": ("ogg", "flac", 16_000),
    ".oga .opus .ogv": ("ogg", "libopus", 48_000),
    ".m4a .m4b .m4r": ("ipod", "aac", 44_100),
    ".mp4 .m4v": ("mp4", "aac", 44_100),
    ".f4a .f4v": ("f4v", "aac", 44_100),
    ".isma .ismv": ("ismv", "aac", 44_100),
    ".mov .qt": ("mov", "aac", 44_100),
    ".3gp .3gpp .3ga": ("3gp", "libopencore_amrnb", 8_000),
    ".3g2": ("3g2", "aac", 44_100),
    ".mka .mkv .mk3d": ("matroska", "aac", 44_100),
    ".webm .weba": ("webm", "libopus", 48_000),
    ".wma .wmv .asf": ("asf", "mp2", 44_100),
    ".ra .rm .rmvb": ("rm", "real_144", 8_000),
    ".flv": ("flv", "aac", 44_100),
    ".nut": ("nut", "pcm_s16le", 16_000),
    ".avi": ("avi", "libmp3lame", 44_100),
    ".ts .m2t": ("mpegts", "aac", 44_100),
    ".mpg .mpeg .mpe": ("mpeg", "mp2", 48_000),
    ".vob": ("vob", "ac3", 48_000),
    ".wtv": ("wtv", "mp2", 48_000),
    ".adx": ("adx", "adpcm_adx", 44_100),
    ".mmf": ("mmf", "adpcm_yamaha", 8_000),
}
"""Container, encoder and rate of the files that FFmpeg writes, by suffixes."""

SPECIAL: dict[str, Callable[[], bytes]] = {
    ".rf64": lambda: encode(tone(SECONDS), "wav", "pcm_s16le", 16_000, rf64="always"),
    ".mts .m2ts": lambda: encode(
        tone(SECONDS, rate=48_000), "mpegts", "ac3", 48_000, mpegts_m2ts_mode="1"
    ),
    ".sph .nist": rare.sphere,
    ".8svx": rare.amiga,
    ".dsf": rare.dsf,
    ".dff": rare.dff,
    ".gsm": rare.gsm,
    ".lbc": rare.ilbc,
    ".awb": rare.amr_wb,
    ".qcp": rare.qcp,
    ".mp1": rare.layer_1,
    ".spx": rare.speex,
    ".dss": rare.dss,
    ".oma .aa3": rare.oma,
    ".xwma": rare.xwma,
    ".mxf": rare.mxf,
    ".dv .dif": rare.dv,
}

NOT_WRITTEN = {
    ".ape": "ape",
    ".mpc": "mpc7",
    ".shn": "shorten",
    ".tak": "tak",
    ".dts .dtshd": "dca",
    ".thd": "truehd",
}
"""Decoders of the codecs that PyAV's FFmpeg cannot encode, and that are too complex for a test."""


def _body(suffixes: str) -> bytes:
    if suffixes in SPECIAL:
        return SPECIAL[suffixes]()
    container, codec, rate = ENCODED[suffixes]
    return encode(tone(SECONDS, rate=rate), container, codec, rate, at_once=rate // 10)


@pytest.mark.parametrize("suffixes", sorted({**ENCODED, **SPECIAL}))
def test_a_file_with_the_suffix_is_decoded_by_the_demuxer_of_the_table(suffixes: str) -> None:
    body = _body(suffixes)
    with av.open(as_file(body)) as container:
        demuxers = container.format.name.split(",")
    assert {AUDIO_SUFFIXES[one].demuxer for one in suffixes.split()} <= set(demuxers)
    assert decode_file(as_file(body)).duration_ms == pytest.approx(1000 * SECONDS, abs=60)


def test_decoder_processes_decode_them_although_they_are_confined(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    rare_ones = (*sorted(SPECIAL), ".wtv", ".adx", ".mmf")
    found = {one: decode(pool, upload(_body(one)))[0].shape[1] / 16_000 for one in rare_ones}
    assert found == pytest.approx(dict.fromkeys(rare_ones, SECONDS), abs=0.06)


@pytest.mark.parametrize("suffixes", sorted(NOT_WRITTEN))
def test_a_suffix_whose_files_cannot_be_made_has_a_decoder(suffixes: str) -> None:
    assert av.Codec(NOT_WRITTEN[suffixes], "r").type == "audio"
    with pytest.raises(av.codec.codec.UnknownCodecError):
        av.Codec(NOT_WRITTEN[suffixes], "w")


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_dsd_of_a_higher_rate_is_decoded(factor: int) -> None:
    assert decode_file(as_file(rare.dsf(factor))).duration_ms == pytest.approx(2000, abs=60)


@pytest.mark.parametrize("codec", ["atrac3", "atrac3p", "atrac3al", "atrac3pal", "g723_1"])
def test_the_usual_codecs_of_formats_made_with_another_one_have_a_decoder(codec: str) -> None:
    assert av.Codec(codec, "r").type == "audio"


@pytest.mark.parametrize(
    ("container", "codec"), [("g722", "g722"), ("sbc", "sbc"), ("rso", "pcm_u8")]
)
def test_formats_that_ffmpeg_recognises_only_by_name_are_left_out(
    container: str, codec: str
) -> None:
    body = encode(tone(SECONDS), container, codec, 16_000, at_once=1600)
    with pytest.raises(UndecodableAudio):
        decode_file(as_file(body))
    assert f".{container}" not in AUDIO_SUFFIXES


def test_no_suffix_is_left_out() -> None:
    tested = [one for suffixes in (*ENCODED, *SPECIAL, *NOT_WRITTEN) for one in suffixes.split()]
    assert sorted(tested) == sorted(AUDIO_SUFFIXES)


def test_the_decoder_accepts_the_demuxer_of_every_suffix() -> None:
    assert {one.demuxer for one in AUDIO_SUFFIXES.values()} <= set(DEMUXERS)


def test_the_documentation_lists_every_suffix() -> None:
    text = Path("docs/producer.md").read_text(encoding="utf-8")
    listed = re.search(r"<!-- suffixes -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert listed
    assert re.findall(r"\.\w+", listed[1]) == sorted(AUDIO_SUFFIXES)
