"""What a family of recognisers is: how it is asked, and how it words its results."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.abilities import Abilities
from contract.job import MAX_SEGMENT_S
from worker.engine.interface import Hints, Samples
from worker.planning.assembly import Recognition


@contextlib.contextmanager
def nothing_more(_model: Any) -> Iterator[list[Any]]:
    """For families whose results hold all that is wanted."""
    yield []


def as_they_are(samples: Samples) -> Any:
    """For families that take numpy's arrays."""
    return samples


def where_it_was_loaded_from(loaded: dict[str, Any]) -> Path | None:
    """The file of weights that AutoModel was to find."""
    weights = loaded.get("init_param")
    return Path(str(weights)) if weights else None


def nothing_apart(_model: Any) -> frozenset[str]:
    """For families whose tensors all come from the file of weights."""
    return frozenset()


def everything_apart(model: Any) -> frozenset[str]:
    """For classes that read their weights by themselves, and fail where these do not fit."""
    return frozenset(model.model.state_dict())


@dataclass(frozen=True, kw_only=True)
class Family:
    """Models of FunASR that are asked and answer in the same way."""

    title: str
    """As docs/models.md names it."""
    classes: frozenset[str]
    """The names that FunASR registers their classes by."""
    examples: tuple[str, ...]
    """Names that hubs know."""
    can: Abilities
    """The most that a model of this family can do."""
    ask: Callable[[Hints], dict[str, Any]]
    """Hints -> what generate is told."""
    read: Callable[[dict[str, Any], Any], Recognition]
    """One item of what generate returns, and what was overheard of it, if anything."""
    narrowed: Callable[[Abilities, Any], Abilities] = lambda can, model: can
    """What this very AutoModel can do of it."""
    prepare: Callable[[Any], None] = lambda model: None
    """Done once to FunASR's module, before anything is asked of it."""
    overhear: Callable[[Any], AbstractContextManager[list[Any]]] = nothing_more
    """While FunASR's module works: one item per clip of what its results leave out."""
    take: Callable[[Samples], Any] = as_they_are
    """Samples -> what generate takes for them."""
    alone: Callable[[Hints], bool] = lambda hints: False
    """Whether clips must go one by one for these hints."""
    told_at_once: Callable[[Any], int] = lambda model: 1
    """At least so many are told to FunASR's module: a clip alone may so go the way of a batch."""
    longest_s: float = MAX_SEGMENT_S
    """Longer clips are cut before."""
    weights: Callable[[dict[str, Any]], Path | None] = where_it_was_loaded_from
    """What AutoModel was built with -> the file or directory of its weights."""
    loaded_apart: Callable[[Any], frozenset[str]] = nothing_apart
    """Names of an AutoModel's tensors that get their values from elsewhere than init_param."""
    note: str = ""
    """What docs/models.md says besides."""
