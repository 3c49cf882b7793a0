"""PURE: a shard that took its worker down -> shards of one file, so that the culprit shows."""

import hashlib

from contract.job import Shard

_NAME_CHARS = 160
"""A longer name is cut, and told from others by a hash: parts stay below the limit of 200."""


def split(shard: Shard) -> list[Shard]:
    """One shard per file; the names are the same however often it is done."""
    stem = shard.shard
    if len(stem) > _NAME_CHARS:
        stem = f"{stem[:_NAME_CHARS]}~{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return [
        shard.model_copy(update={"shard": f"{stem}.{position}", "files": (ref,)})
        for position, ref in enumerate(shard.files)
    ]
