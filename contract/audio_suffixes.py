"""PURE: the file name suffixes that count as audio when a prefix or a folder is listed.

For each suffix: the FFmpeg demuxer that reads such files, and a typical rate for estimates. The
worker decodes all of them. Suffixes of raw samples, such as .raw, .pcm and .g722, are left out: the
worker detects a format by the file's content, and raw samples have no header. So are .sbc and .rso,
whose headers FFmpeg does not recognise without the name of the file.

Suffixes with a second meaning, such as .ts, which is also TypeScript, are included: a file that is
not audio fails as undecodable, whereas a recording that is left out would not be noticed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class SuffixFormat(NamedTuple):
    """The format of the files with a suffix."""

    demuxer: str
    """FFmpeg's name."""
    bytes_per_second: int
    """Typical bytes per second of audio, used where no rate was measured."""


_FORMATS = (
    # 16-bit samples at 16 kHz, one channel; telephony at 8 kHz has half of this rate, music more
    ("wav", 32_000, ".wav .wave .bwf .rf64"),
    ("w64", 32_000, ".w64"),
    ("caf", 32_000, ".caf"),
    ("nistsphere", 32_000, ".sph .nist"),
    ("ircam", 32_000, ".ircam .sf"),
    ("sox", 64_000, ".sox"),  # 32-bit samples
    # a CD: 16 bit at 44.1 kHz, two channels
    ("aiff", 176_400, ".aif .aiff .aifc"),
    # 8-bit samples at 8 kHz: telephony in Sun's format, and old sound cards
    ("au", 8_000, ".au .snd"),
    ("voc", 8_000, ".voc"),
    ("iff", 8_000, ".8svx"),
    # 55 % of the size of WAV, typical of speech
    ("flac", 17_600, ".flac"),
    # 57 % of the rate of a CD, typical of lossless coders on music
    ("wv", 100_000, ".wv"),
    ("ape", 100_000, ".ape"),
    ("tta", 100_000, ".tta"),
    ("tak", 100_000, ".tak"),
    ("shn", 100_000, ".shn"),
    # ADPCM of 4 bits: two channels at 44.1 kHz in games, one at 8 kHz in ring tones
    ("adx", 49_600, ".adx"),
    ("mmf", 4_000, ".mmf"),
    # DSD64, two channels
    ("dsf", 705_600, ".dsf"),
    ("iff", 705_600, ".dff"),
    # 128 kbit/s, the default of lame
    ("mp3", 16_000, ".mp3 .mpga"),
    # 192 kbit/s, usual for layer II in broadcasting
    ("mp3", 24_000, ".mp2 .m2a .mpa"),
    ("mp3", 48_000, ".mp1"),  # 384 kbit/s: layer I needs twice as much
    ("mpc", 21_000, ".mpc"),  # 170 kbit/s, the standard preset of Musepack
    # 96 kbit/s, between speech (64) and music (128) as phones and meetings record
    ("aac", 12_000, ".aac .adts"),
    ("loas", 12_000, ".loas .latm"),
    ("mov", 12_000, ".m4a .m4r .f4a .isma .3ga"),
    ("mov", 8_000, ".m4b"),  # 64 kbit/s: books
    # 192 kbit/s: stereo in broadcasting and on DVDs
    ("ac3", 24_000, ".ac3"),
    ("eac3", 24_000, ".eac3 .ec3"),
    # 1.5 Mbit/s: DTS on DVDs; lossless sound on Blu-ray discs takes about twice as much
    ("dts", 192_000, ".dts"),
    ("dtshd", 400_000, ".dtshd"),
    ("truehd", 400_000, ".thd"),
    # 64 kbit/s: Vorbis at quality 0, by Xiph's table of nominal bit rates
    ("ogg", 8_000, ".ogg .oga .ogx"),
    # 32 kbit/s, within the 28-40 kbit/s that RFC 7587, section 3.1.1 names for full-band speech
    ("ogg", 4_000, ".opus"),
    ("ogg", 2_000, ".spx"),  # 16 kbit/s: Speex of wide-band speech
    # RFC 4867, section 5: a frame of the 12.2 kbit/s mode takes 32 bytes for 20 ms
    ("amr", 1_600, ".amr"),
    ("amr", 3_000, ".awb"),  # the 23.85 kbit/s mode
    # codecs of telephony with frames of a fixed size: 33 and 35 bytes for 20 ms, 50 for 30 ms
    ("gsm", 1_650, ".gsm"),
    ("qcp", 1_750, ".qcp"),
    ("ilbc", 1_667, ".lbc"),
    # dictation machines, standard play: blocks of 512 bytes for 292 ms
    ("dss", 1_750, ".dss"),
    # 128 kbit/s, as Windows Media Player rips CDs
    ("asf", 16_000, ".wma"),
    ("xwma", 6_000, ".xwma"),  # 48 kbit/s, the default of Microsoft's encoder
    ("oma", 16_500, ".oma .aa3"),  # 132 kbit/s, the best rate of ATRAC3
    ("matroska", 16_000, ".mka .weba"),
    ("rm", 4_000, ".ra"),  # 32 kbit/s
    # phones: between audio without video (2,000) and small video
    ("mov", 16_000, ".3gp .3gpp .3g2"),
    # Zoom's support page on recording formats: about 200 MB for an hour of video
    ("mov", 55_000, ".mp4 .m4v .f4v .ismv"),
    ("matroska", 55_000, ".mkv .mk3d .webm"),
    ("ogg", 55_000, ".ogv"),
    ("asf", 55_000, ".asf .wmv"),
    ("flv", 55_000, ".flv"),
    ("rm", 55_000, ".rm .rmvb"),
    ("nut", 55_000, ".nut"),
    # 700 MB, the size of a CD, for a film of 100 minutes
    ("avi", 117_000, ".avi"),
    # broadcasting and DVDs: 4 to 5 Mbit/s
    ("mpegts", 500_000, ".ts .m2t"),
    ("mpeg", 625_000, ".mpg .mpeg .mpe .vob"),
    # phone cameras: 1080p in HEVC takes about 60 MB a minute
    ("mov", 1_000_000, ".mov .qt"),
    # camcorders: AVCHD at 17 Mbit/s, DV at its only rate, XDCAM at 50 Mbit/s
    ("mpegts", 2_000_000, ".mts .m2ts"),
    ("dv", 3_600_000, ".dv .dif"),
    # 2.5 GB for an hour of television on Windows Media Center
    ("wtv", 700_000, ".wtv"),
    ("mxf", 6_250_000, ".mxf"),
)

AUDIO_SUFFIXES: Mapping[str, SuffixFormat] = MappingProxyType(
    {
        suffix: SuffixFormat(demuxer, rate)
        for demuxer, rate, suffixes in _FORMATS
        for suffix in suffixes.split()
    }
)
"""Formats by lower-case suffix, such as .wav. Manifests may name any file."""


def looks_like_audio(name: str) -> bool:
    """Whether the name ends with one of AUDIO_SUFFIXES, ignoring case."""
    dot = name.rfind(".")
    return dot >= 0 and name[dot:].lower() in AUDIO_SUFFIXES
