"""No two files of a backlog are written to one place."""

import json
from collections.abc import Iterable, Iterator
from typing import Self

from contract.audio_address import shown
from contract.job import AudioRef
from producer.planning.seen import SeenOnDisk
from producer.sources.interface import BadRow, Found


class Names:
    """The names that are taken, as hashes on disk: 24 bits are kept of what has the name.

    Of 10 million files with names of their own, one is wrongly told to be a second under its name
    with a chance of 0.07 %; a second one that differs is taken for the same in one of 17 million.
    """

    def __init__(self) -> None:
        self._taken = SeenOnDisk(value_bytes=3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._taken.close()

    def remember(self, ref: AudioRef) -> None:
        """Take the name of a file that was passed on before this process began.

        Raises:
            TemporaryDiskFull: it cannot be noted.
        """
        self._taken.add(hash(ref.relative), _content(ref))

    def tell_apart(self, found: Iterable[Found]) -> Iterator[Found]:
        """Pass on what has a name of its own; see admit."""
        return (one for one in map(self.admit, found) if one)

    def admit(self, found: Found) -> Found | None:
        """What is to be made of a find: itself if its name is its own.

        The same stretch of the same audio again is left out; another one under a name that is
        taken is a bad row.

        Raises:
            TemporaryDiskFull: a name cannot be noted.
        """
        ref = found.item
        if isinstance(ref, BadRow):
            return found
        content = _content(ref)
        before = self._taken.add(hash(ref.relative), content)
        if before is None:
            return found
        if before == content:
            return None
        reason = f"another file is written to {ref.relative} already; give it an id"
        return Found(found.position, BadRow(shown(ref.audio), reason))


def _content(ref: AudioRef) -> int:
    """24 bits of what is transcribed under a name."""
    options = json.dumps(ref.options, sort_keys=True, default=str) if ref.options else ""
    return hash((ref.audio, ref.start_ms, ref.end_ms, ref.channel, options)) & 0xFFFFFF
