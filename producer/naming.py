"""PURE: no two files of a backlog may be written to one place."""

from collections.abc import Iterable, Iterator

from contract.job import AudioRef
from producer.sources.interface import BadRow


def tell_apart(found: Iterable[AudioRef | BadRow]) -> Iterator[AudioRef | BadRow]:
    """Pass on what has a name of its own.

    The same stretch of the same audio again is left out; another one under a name that is taken
    is a bad row. Two hashes of 64 bits are kept per file.
    """
    seen: dict[int, int] = {}
    for item in found:
        if isinstance(item, BadRow):
            yield item
            continue
        name = hash(item.relative)
        content = hash((item.audio, item.start_ms, item.end_ms, item.channel, str(item.options)))
        if name not in seen:
            seen[name] = content
            yield item
        elif seen[name] != content:
            reason = f"another file is written to {item.relative} already; give it an id"
            yield BadRow(item.audio, reason)
