"""What a shard is known by in Redis, whoever sends or receives it."""

from typing import Any

from contract.ledger.connection import reached


def identity_of(output: str, shard: str) -> str:
    """A shard's identity: its name, which is its own below the output prefix."""
    return f"{output}\0{shard}"


def claim_key(prefix: str, identity: str) -> str:
    """The key that the process holds which works on the shard.

    Args:
        prefix: FLEET_KEY_PREFIX.
        identity: see identity_of.
    """
    return f"{prefix}fleet:claim:{identity}"


def attempts_key(prefix: str, identity: str) -> str:
    """The hash that counts how often the shard was begun.

    Args:
        prefix: FLEET_KEY_PREFIX.
        identity: see identity_of.
    """
    return f"{prefix}fleet:attempts:{identity}"


def forget_attempts(client: Any, prefix: str, identity: str) -> None:
    """Let the shard begin anew. Raises BrokerUnavailable."""
    reached(client.delete, attempts_key(prefix, identity))
