"""PURE: counts the objects and files that a source does not take as audio, by suffix."""

import functools
import re
from collections.abc import Mapping

from funasr_fleet.producer.discovery.interface import Ignored

NO_SUFFIX = "(no suffix)"
OTHERS = "others"
"""Stands for all suffixes that are not shown or counted separately."""

MAX_SUFFIXES = 100
"""Maximum number of suffixes that are counted separately: names may contain any text."""

_SHOWN = 10

_SUFFIX = re.compile(r"[^/](\.[^./]+)$")
"""The suffix of a name. A hidden file without a further point, such as .wav, has no suffix."""
_USUAL = re.compile(r"\.[0-9A-Za-z_-]{1,15}")


def ignored(name: str) -> Ignored:
    """The item for an object or file with this name."""
    found = _SUFFIX.search(name)
    if not found:
        return _ignored(NO_SUFFIX)
    return _ignored(found[1].lower() if _USUAL.fullmatch(found[1]) else OTHERS)


@functools.lru_cache(MAX_SUFFIXES)
def _ignored(suffix: str) -> Ignored:
    """The item for a suffix; cached, since millions of names may have the suffix."""
    return Ignored(suffix)


class IgnoredCounts:
    """Numbers of ignored objects and files by suffix, in bounded memory."""

    def __init__(self, before: Mapping[str, int] | None = None) -> None:
        """Start with the counts of an earlier run."""
        self._counts = dict(before or {})

    def add(self, one: Ignored) -> None:
        """Count an object or file."""
        suffix = one.suffix
        if suffix not in self._counts and len(self._counts) >= MAX_SUFFIXES:
            suffix = OTHERS
        self._counts[suffix] = self._counts.get(suffix, 0) + 1

    def by_suffix(self) -> dict[str, int]:
        """The counts by suffix, the most frequent first; OTHERS comes last."""
        in_order = sorted(self._counts.items(), key=lambda one: (one[0] == OTHERS, -one[1], one[0]))
        return dict(in_order)


def ignored_text(counts: Mapping[str, int]) -> str | None:
    """The counts as text, such as `ignored: 12 (.txt 10, .pdf 2)`; None if there are none.

    Args:
        counts: as IgnoredCounts.by_suffix returns them.
    """
    if not counts:
        return None
    named = [(suffix, count) for suffix, count in counts.items() if suffix != OTHERS]
    shown = named[:_SHOWN]
    total = sum(counts.values())
    if rest := total - sum(count for _, count in shown):
        shown.append((OTHERS, rest))
    parts = ", ".join(f"{suffix} {count:,}" for suffix, count in shown)
    return f"ignored: {total:,} ({parts})"
