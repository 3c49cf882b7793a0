"""What ready workers say of themselves in Redis, so that producers can plan by it."""

from typing import Any

from contract.ledger import reached


class FleetState:
    """The revision of each model that a worker has loaded, by the model's configured name."""

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._key = f"{key_prefix}fleet:models"

    def announce(self, model: str, revision: str) -> None:
        """Say which revision of a model is at work now."""
        reached(self._redis.hset, self._key, model, revision)

    def revision_of(self, model: str) -> str | None:
        """The revision last seen at work; None when no worker has ever loaded the model."""
        revision: str | None = reached(self._redis.hget, self._key, model)
        return revision
