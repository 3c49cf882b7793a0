"""Replacements of in_groups, with other sizes of groups."""

from typing import Any

from funasr_fleet.worker.text.batching import in_groups


def small_groups(things: Any, seconds: Any, *_: Any, **__: Any) -> Any:
    """Replaces in_groups: one clip, then two, then up to one second."""
    return in_groups(things, seconds, first_s=0.1, most_s=lambda: 1.0)


def one_group(things: Any, seconds: Any, *_: Any, **__: Any) -> Any:
    """Replaces in_groups: all clips in one group."""
    return in_groups(things, seconds, first_s=1e9, most_s=lambda: 1e9)


def single_items(things: Any, seconds: Any, *_: Any, **__: Any) -> Any:
    """Replaces in_groups: each clip and each end of a file is a group."""
    return in_groups(things, seconds, first_s=0.001, most_s=lambda: 0.001)
