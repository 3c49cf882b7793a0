"""A child that has grown too large is replaced between two shards.

Celery does this by itself (worker_max_memory_per_child), but billiard looks at the most that the
process ever held: one long file would have the child replaced after each shard from then on.
"""

import billiard.pool

from worker.telemetry.resident import resident_bytes


def look_at_present_memory() -> None:
    """Let billiard compare what this child holds now with its limit."""
    billiard.pool.mem_rss = _resident_kib


def _resident_kib() -> int:
    return resident_bytes() // 1024
