"""Redis keys of a shard: its lock and its attempt counter."""

from typing import Any

from funasr_fleet.broker.ledger.connection import reached


def identity_of(output: str, shard: str) -> str:
    """A shard's identity: its name, which is unique only below its output prefix."""
    return f"{output}\0{shard}"


def claim_key(prefix: str, identity: str) -> str:
    """The key of the shard's lock, held by the process that works on it.

    Args:
        prefix: FLEET_KEY_PREFIX.
        identity: see identity_of.
    """
    return f"{prefix}fleet:claim:{identity}"


def attempts_key(prefix: str, identity: str) -> str:
    """The key of the hash that counts the shard's attempts.

    Args:
        prefix: FLEET_KEY_PREFIX.
        identity: see identity_of.
    """
    return f"{prefix}fleet:attempts:{identity}"


def forget_attempts(client: Any, prefix: str, identity: str) -> None:
    """Reset the shard's attempt counter. Raises BrokerUnavailable."""
    reached(client.delete, attempts_key(prefix, identity))
