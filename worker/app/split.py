"""PURE: split a shard that crashed its worker into one shard per file, to isolate the bad file."""

import hashlib

from funasr_fleet.contract.job import Shard

_NAME_CHARS = 160
"""A longer name is cut and gets a hash, so that names of parts stay below the limit of 200."""


def split(shard: Shard) -> list[Shard]:
    """Return one shard per file. The parts' names are deterministic."""
    stem = shard.shard
    if len(stem) > _NAME_CHARS:
        stem = f"{stem[:_NAME_CHARS]}~{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return [
        shard.model_copy(update={"shard": f"{stem}.{position}", "files": (ref,)})
        for position, ref in enumerate(shard.files)
    ]
