"""Family: how recognisers of one kind are called and how their results are parsed."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import MAX_SEGMENT_S
from funasr_fleet.worker.engine.interface import Hints, Samples
from funasr_fleet.worker.text.segments import Recognition


def init_param(kwargs: dict[str, Any]) -> Path | None:
    """The weights file that AutoModel was configured with."""
    weights = kwargs.get("init_param")
    return Path(str(weights)) if weights else None


def all_external(model: Any) -> frozenset[str]:
    """Names of all tensors; for classes that load their own weights and fail on a mismatch."""
    return frozenset(model.model.state_dict())


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """FunASR models of one kind."""

    title: str
    """Name in docs/models.md."""
    classes: frozenset[str]
    """Names under which FunASR registers their classes."""
    examples: tuple[str, ...]
    """Names of some of these models on the hub."""
    weights: Callable[[dict[str, Any]], Path | None] = init_param
    """Arguments of AutoModel -> its weights file or directory."""
    externally_loaded: Callable[[Any], frozenset[str]] = lambda model: frozenset()
    """Names of an AutoModel's tensors that are not loaded from its init_param file."""
    files: str = "`model.pt`, `tokens.json`, `am.mvn`"
    """What a model directory holds beside its config.yaml, for docs/models.md."""
    unread_tensors: tuple[str, ...] = ()
    """Prefixes of tensors that its weights files may contain although the module ignores them."""
    note: str = ""
    """Remark in docs/models.md."""


@dataclass(frozen=True, kw_only=True)
class Family(ModelKind):
    """Recognisers with the same options and the same result format."""

    can: Abilities
    """Maximum capabilities of a model of this family."""
    read: Callable[[dict[str, Any], float | None], Recognition]
    """Parses one item of generate's result, with its captured confidence or None."""
    generate_options: Callable[[Hints], dict[str, Any]] = lambda hints: {}
    """Hints -> keyword arguments of generate; no option is supported by every model."""
    narrow_abilities: Callable[[Abilities, Any], Abilities] = lambda can, model: can
    """Restricts `can` to the capabilities of a given AutoModel."""
    prepare: Callable[[Any], None] = lambda model: None
    """Modifies FunASR's module once, before its first use."""
    capture_confidences: Callable[[Any], AbstractContextManager[list[float | None]]] = (
        lambda model: nullcontext([])
    )
    """FunASR's module -> context that collects each clip's confidence; results leave it out."""
    to_input: Callable[[Samples], object] = lambda samples: samples
    """Samples -> input of generate."""
    needs_single_clips: Callable[[Hints], bool] = lambda hints: False
    """Whether clips must be recognised one by one with these hints."""
    min_batch_size: Callable[[Any], int] = lambda model: 1
    """Minimum batch_size passed to generate, so that a single clip is decoded like a batch."""
    longest_s: float = MAX_SEGMENT_S
    """Maximum clip length; longer clips are cut before recognition."""
