"""Recordings for the tests, including bad ones, and the backlog of the whole job."""

import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from bench.faults.evidence import Evidence
from funasr_fleet.contract.transcript import ErrorKind
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.storage.base import ObjectStore
from tests.chaos.jobs import upload
from tests.fuzz.changing_heads import hostile_head

SPOKEN = ("pin-code.wav", "order-numbers.flac", "calls/voicemail.wav", "reading.ogg")
"""Recordings of a few seconds each."""

SILENT = "silence.flac"
LONG = "inventory-two-minutes.mp3"

POISON = b"CHAOS-KILL\n"
HANGING = b"CHAOS-HANG\n"
DECODER_FAULTS = {
    "decoder-killed": b"DECODER-SIGNAL 9\n",
    "decoder-crashing": b"DECODER-SIGNAL 11\n",
    "decoder-hanging": b"DECODER-HANG\n",
    "decoder-memory": b"DECODER-MEMORY\n",
}
"""Files that harm the process that decodes them, and nothing else."""

_BLOCK = 65_535
"""Maximum number of samples in a FLAC frame."""

_RATE = 8_000


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def slow(seconds: float, name: str = SPOKEN[0]) -> bytes:
    """A sample whose decoding is delayed."""
    return b"CHAOS-SLOW %g\n" % seconds + sample(name)


def silence(hours: float, *, declared: bool) -> bytes:
    """FLAC at 8 kHz: about 6 kB an hour, with complete frames (RFC 9639).

    Args:
        hours: its length.
        declared: whether the header contains the length.
    """
    frames = round(hours * 3600 * _RATE / _BLOCK)
    total = frames * _BLOCK if declared else 0
    # blocks of one size, frames of any; 8 kHz, mono, 16 bits; no checksum of the samples
    rate_and_total = _RATE << 44 | (16 - 1) << 36 | total
    info = struct.pack(">HH6xQ16x", _BLOCK, _BLOCK, rate_and_total)
    header = b"fLaC" + struct.pack(">I", 0x80 << 24 | len(info)) + info
    return header + b"".join(_frame(number) for number in range(frames))


def _frame(number: int) -> bytes:
    """A block of digital silence: a constant subframe."""
    # fixed size given at the end of the header, 8 kHz; mono, 16 bits
    head = b"\xff\xf8\x74\x08" + _coded(number) + struct.pack(">H", _BLOCK - 1)
    head += bytes([_crc(head, 8)])
    body = head + b"\x00\x00\x00"
    return body + struct.pack(">H", _crc(body, 16))


def _coded(number: int) -> bytes:
    """A number coded as UTF-8, including surrogates."""
    return chr(number).encode("utf-8", "surrogatepass")


def _crc(data: Iterable[int], bits: int) -> int:
    table, mask = _TABLES[bits], (1 << bits) - 1
    rest = 0
    for byte in data:
        rest = (rest << 8 & mask) ^ table[rest >> (bits - 8) ^ byte]
    return rest


def _table(bits: int, polynomial: int) -> list[int]:
    found = []
    for byte in range(256):
        rest = byte << (bits - 8)
        for _ in range(8):
            rest = rest << 1 ^ (polynomial if rest >> (bits - 1) & 1 else 0)
            rest &= (1 << bits) - 1
        found.append(rest)
    return found


_OF_HOSTILE: tuple[ErrorKind, ...] = ("undecodable_audio", "audio_too_short", "audio_too_long")

_TABLES = {8: _table(8, 0x07), 16: _table(16, 0x8005)}


KINDS: dict[str, tuple[int, ErrorKind | None]] = {
    "spoken": (290, None),
    "slow": (24, None),
    "silent": (8, None),
    "undecodable": (10, "undecodable_audio"),
    "missing": (1, "audio_missing"),
    "poison": (1, "poison"),
    "hanging": (1, "poison"),
    **dict.fromkeys(DECODER_FAULTS, (1, "undecodable_audio")),
    "hours-declared": (1, "audio_too_long"),
    "hours": (1, "audio_too_long"),
    "hostile": (20, None),
}
"""Number of files of each kind, and the expected error kind; hostile files may also have one of
_OF_HOSTILE."""


@dataclass(frozen=True)
class Backlog:
    """A backlog: (name, address) of each file, in enqueue order."""

    rows: tuple[tuple[str, str], ...]

    def wrong(self, found: Evidence) -> list[str]:
        """Files with another outcome than expected."""
        wrong = []
        for name, _ in self.rows:
            folder, found_kind = name.partition("/")[0], found.errors.get(name)
            _, kind = KINDS[folder]
            if folder == "hostile" and found_kind in _OF_HOSTILE:
                kind = found_kind
            if found_kind != kind or (name in found.results) != (kind is None):
                wrong.append(f"{name}: {found_kind or 'a result'} instead of {kind or 'a result'}")
        return wrong


def make_backlog(store: ObjectStore, seed: int) -> Backlog:
    """Upload each recording once; many files share one recording."""
    dice = random.Random(seed)
    bodies = {
        **{f"spoken {number}": sample(name) for number, name in enumerate(SPOKEN)},
        "slow": slow(0.7),
        "silent": sample(SILENT),
        "undecodable": sample("not-audio.mp3"),
        "poison": POISON,
        "hanging": HANGING,
        **DECODER_FAULTS,
        "hours-declared": silence(100, declared=True),
        "hours": silence(100, declared=False),
        **{f"hostile {number}": hostile_head(dice) for number in range(KINDS["hostile"][0])},
    }
    places = upload(store, bodies)
    places["missing"] = "s3://audio/nobody/has/this.wav"
    rows = []
    for kind, (count, _) in KINDS.items():
        for number in range(count):
            which = f"spoken {number % len(SPOKEN)}" if kind == "spoken" else kind
            which = f"hostile {number}" if kind == "hostile" else which
            rows.append((f"{kind}/{number:03d}", places[which]))
    dice.shuffle(rows)
    return Backlog(tuple(rows))
