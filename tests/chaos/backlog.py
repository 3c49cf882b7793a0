"""The backlog of the big test: recordings of every kind, and how each is to end."""

import random
from dataclasses import dataclass

from bench.faults.evidence import Evidence
from funasr_fleet.contract.transcript import ErrorKind
from funasr_fleet.storage.base import ObjectStore
from tests.chaos.jobs import upload
from tests.chaos.recordings import HANGING, POISON, SILENT, SPOKEN, sample, silence, slow

KINDS: dict[str, tuple[int, ErrorKind | None]] = {
    "spoken": (290, None),
    "slow": (24, None),
    "silent": (8, None),
    "undecodable": (10, "undecodable_audio"),
    "missing": (1, "audio_missing"),
    "poison": (1, "poison"),
    "hanging": (1, "poison"),
    "hours-declared": (1, "audio_too_long"),
    "hours": (1, "audio_too_long"),
}
"""How many files of each kind, and why they fail if they do."""


@dataclass(frozen=True)
class Backlog:
    """(name, address) of each file, in the order in which they are enqueued."""

    rows: tuple[tuple[str, str], ...]

    def wrong(self, found: Evidence) -> list[str]:
        """Files that ended in another way than they should."""
        wrong = []
        for name, _ in self.rows:
            _, kind = KINDS[name.partition("/")[0]]
            told = found.errors.get(name)
            if told != kind or (name in found.results) != (kind is None):
                wrong.append(f"{name}: {told or 'a result'} instead of {kind or 'a result'}")
        return wrong


def make(store: ObjectStore, seed: int) -> Backlog:
    """Upload what is needed of each kind once; many files share one recording."""
    dice = random.Random(seed)
    bodies = {
        **{f"spoken {number}": sample(name) for number, name in enumerate(SPOKEN)},
        "slow": slow(0.7),
        "silent": sample(SILENT),
        "undecodable": sample("not-audio.mp3"),
        "poison": POISON,
        "hanging": HANGING,
        "hours-declared": silence(100, declared=True),
        "hours": silence(100, declared=False),
    }
    places = upload(store, bodies)
    places["missing"] = "s3://audio/nobody/has/this.wav"
    rows = []
    for kind, (count, _) in KINDS.items():
        for number in range(count):
            which = f"spoken {number % len(SPOKEN)}" if kind == "spoken" else kind
            rows.append((f"{kind}/{number:03d}", places[which]))
    dice.shuffle(rows)
    return Backlog(tuple(rows))
