"""Did every tensor of a model get its value from the file of weights?

FunASR loads what fits, prints the names of the rest, and leaves random numbers in them. Here its
loader is run again on the meta device, so that names are matched by the same rules (scope_map,
excludes, prefixes of wrapped models).
"""

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from funasr.train_utils.load_pretrained_model import load_pretrained_model

from worker.engine.families import loaded_apart
from worker.failures import ModelUnusable

_NAMED = 3
"""Names that an error tells of each kind."""

_TRAINING_ONLY = ("num_batches_tracked",)
"""BatchNorm counts there while it is trained, and reads it then only."""

State = Mapping[str, torch.Tensor]


def assert_loaded(role: str, model: Any) -> None:
    """Every tensor of an AutoModel must have been given its value.

    Args:
        role: what the model is for.
        model: as FunASR made it, before anything was changed about it.

    Raises:
        ModelUnusable: with names of tensors that the file lacks, or has in another shape.
    """
    own = _tensors(model.model.state_dict(keep_vars=True))
    given = _tensors(_ask_the_loader(model))
    unfilled = _unfilled(own, given, loaded_apart(model))
    missing = [name for name in unfilled if name not in given]
    misshapen = [
        f"{name}: {list(given[name].shape)} instead of {list(own[name].shape)}"
        for name in unfilled
        if name in given
    ]
    if missing or misshapen:
        place = str(model.kwargs.get("init_param") or "any file of weights")
        raise ModelUnusable(
            f"the weights of the {role} do not fit its configuration: "
            f"{_say_faults(place, len(own), missing, misshapen)}. Use a config.yaml and a model.pt "
            "of the same model, or map prefixes of names by scope_map in config.yaml"
        )


def _unfilled(own: State, given: State, apart: frozenset[str]) -> list[str]:
    """Names of the module's tensors that hold what they held before anything was loaded."""
    fitting = {name for name, tensor in given.items() if tensor.shape == own[name].shape}
    filled = {id(own[name]) for name in fitting | (apart & own.keys())}  # tied ones are the same
    return [
        name
        for name, tensor in own.items()
        if id(tensor) not in filled and tensor.numel() and not name.endswith(_TRAINING_ONLY)
    ]


def _tensors(state: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}


def _say_faults(place: str, total: int, missing: list[str], misshapen: list[str]) -> str:
    faults = []
    if missing:
        count = f"{len(missing)} of {total} tensors"
        faults.append(f"{count} are not in {place} ({_some(missing)})")
    if misshapen:
        count = f"{len(misshapen)} of {total} tensors"
        faults.append(f"{count} have another shape in {place} ({_some(misshapen)})")
    return ", and ".join(faults)


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f", and {more} more" if more > 0 else "")


class _Names:
    """Takes the place of a module in FunASR's loader, and notes what is put into it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.given: dict[str, Any] = {}

    def state_dict(self) -> dict[str, torch.Tensor]:
        """See torch.nn.Module."""
        return dict(self._state)

    def load_state_dict(self, state: State, strict: bool = True) -> None:
        """See torch.nn.Module; what is the same object was not replaced."""
        self.given = {name: new for name, new in state.items() if new is not self._state[name]}


def _ask_the_loader(model: Any) -> dict[str, Any]:
    """Names of the module's tensors -> what FunASR's loader takes for them, whatever its shape."""
    told, names = model.kwargs, _Names(model.model.state_dict())
    path = told.get("init_param")
    if not path or not Path(str(path)).exists():
        return {}
    scopes = told.get("scope_map", [])
    with contextlib.redirect_stdout(io.StringIO()):  # it has printed the names before
        load_pretrained_model(
            path=path,
            model=names,
            ignore_init_mismatch=False,
            map_location="meta",
            oss_bucket=told.get("oss_bucket"),
            scope_map=scopes if isinstance(scopes, str) else list(scopes),  # it adds to the list
            excludes=told.get("excludes"),
        )
    return names.given
