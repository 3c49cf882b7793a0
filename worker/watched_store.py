"""Object storage whose every request is a sign of life: some take minutes when storage is slow."""

from collections.abc import Callable
from typing import Any, cast

from contract.store import ObjectStore
from worker.progress import Beat

_CREDIT_S = 5.0
"""For one request."""


def watched(store: ObjectStore, beat: Beat) -> ObjectStore:
    """The same store; `beat` hears of each request before it is made."""
    return cast(ObjectStore, _Watched(store, beat))


class _Watched:
    def __init__(self, store: ObjectStore, beat: Beat) -> None:
        self._store = store
        self._beat = beat

    def __getattr__(self, name: str) -> Callable[..., Any]:
        request: Callable[..., Any] = getattr(self._store, name)

        def heard(uri: str, *arguments: Any, **named: Any) -> Any:
            self._beat(f"{name} of {uri}", _CREDIT_S)
            return request(uri, *arguments, **named)

        return heard
