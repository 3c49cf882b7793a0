"""PURE: a shard that took its worker down -> shards of one file, so that the culprit shows."""

from contract.job import Shard

_NAME_CHARS = 180
"""Of the shard's name that are kept: with the number it stays below the limit of 200."""


def split(shard: Shard) -> list[Shard]:
    """One shard per file; the names are the same however often it is done."""
    stem = shard.shard[:_NAME_CHARS]
    return [
        shard.model_copy(update={"shard": f"{stem}.{position}", "files": (ref,)})
        for position, ref in enumerate(shard.files)
    ]
