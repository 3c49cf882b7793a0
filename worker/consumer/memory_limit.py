"""Make Celery's memory limit of a child apply to its current memory, not to its peak.

Celery replaces a child that exceeds worker_max_memory_per_child between two shards. billiard
compares the peak resident memory with it, so that one long file would have the child replaced
although the memory was freed.
"""

import billiard.pool

from funasr_fleet.worker.process.resident_memory import resident_bytes


def use_current_rss() -> None:
    """Make billiard compare this child's current resident memory with the limit."""
    billiard.pool.mem_rss = _resident_kib


def _resident_kib() -> int:
    return resident_bytes() // 1024
