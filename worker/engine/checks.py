"""Checks of a loaded model: every tensor is on the device and got its value from the weights file.

FunASR falls back to the CPU and continues with random weights without an error: it loads the
tensors that match, prints the names of the others and leaves them at their random initial values.
assert_loaded runs FunASR's loader again, with numbers instead of tensors, so that names are matched
by the same rules (scope_map, excludes, prefixes of wrapped models).
"""

import contextlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from funasr.train_utils.load_pretrained_model import load_pretrained_model

from funasr_fleet.worker.engine.families import externally_loaded, unread_tensors
from funasr_fleet.worker.engine.families.parts import MODULE_PREFIX
from funasr_fleet.worker.errors import ModelInvalid, ModelUnusable


def assert_cuda(device: str) -> None:
    """Check that torch can use CUDA when a CUDA device is configured.

    Raises:
        ModelUnusable: torch sees no CUDA device.
    """
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        raise ModelUnusable(
            f"{device} is configured, but torch {torch.__version__} sees no CUDA device; "
            "install a CUDA build of torch, or set FLEET_DEVICES=cpu"
        )


def assert_device(name: str, module: torch.nn.Module, device: str) -> None:
    """Check that every parameter and buffer of the model is on the device.

    Raises:
        ModelUnusable: with the number of tensors per device.
    """
    tensors = [*module.parameters(), *module.buffers()]
    tensors_by_device = Counter(str(tensor.device) for tensor in tensors)
    if set(tensors_by_device) - {device}:
        raise ModelUnusable(
            f"{name} should be on {device}, but its tensors are on {dict(tensors_by_device)}"
        )


def is_on_device(module: torch.nn.Module, device: str) -> bool:
    """Whether every parameter of the model is on the device."""
    return all(str(parameter.device) == device for parameter in module.parameters())


def assert_weights(name: str, kwargs: Mapping[str, object], weights: Path | None) -> Path:
    """Check that the weights exist.

    Args:
        name: purpose of the model.
        kwargs: the arguments that AutoModel was built with.
        weights: expected weights file or directory.

    Returns:
        The model's directory when it contains the weights, otherwise the weights path.

    Raises:
        ModelInvalid: the weights are missing; the message names the path.
    """
    if weights is None or not weights.exists():
        raise ModelInvalid(
            f"{name} has no weights at {weights}: FunASR would run with random weights"
        )
    directory = Path(str(kwargs.get("model_path") or weights.parent))
    return directory if directory.is_dir() and directory in weights.parents else weights


_MAX_NAMES = 3
"""Tensor names that an error message lists for each kind of mismatch."""

_TRAINING_ONLY = ("num_batches_tracked",)
"""A BatchNorm counter that is only used in training."""

Tensors = Mapping[str, torch.Tensor]


def assert_loaded(role: str, model: Any) -> None:
    """Check that every tensor of an AutoModel was loaded, and every tensor of its file was used.

    A file with tensors that the module lacks belongs to another model, for example a deeper one.

    Args:
        role: purpose of the model, for the error message.
        model: an AutoModel as FunASR built it, not modified since.

    Raises:
        ModelInvalid: the file lacks tensors, has tensors of another shape, or has tensors that the
            module lacks; the message names them.
    """
    own = _only_tensors(model.model.state_dict(keep_vars=True))
    loaded, unused = _loaded_by_funasr(model)
    elsewhere = externally_loaded(model)
    unfilled = _unfilled(own, loaded, elsewhere)
    problems = {
        "are not in": [name for name in unfilled if name not in loaded],
        "have another shape in": [
            f"{name}: {list(loaded[name].shape)} instead of {list(own[name].shape)}"
            for name in unfilled
            if name in loaded
        ],
    }
    unknown = [name for name in unused if not _is_expected(name, elsewhere, unread_tensors(model))]
    if any(problems.values()) or unknown:
        source = str(model.kwargs.get("init_param") or "any weights file")
        mismatch = _describe_mismatch(source, len(own), problems, unknown)
        raise ModelInvalid(
            f"the weights of the {role} do not fit its configuration: {mismatch}. "
            "Use a config.yaml and a model.pt of the same model, or map name prefixes with "
            "scope_map in config.yaml"
        )


def _is_expected(name: str, elsewhere: frozenset[str], unread: tuple[str, ...]) -> bool:
    """Whether an unused tensor is no error: other code loads it, or inference does not need it."""
    return (
        name.endswith(_TRAINING_ONLY)
        or name.startswith(unread)
        or name in elsewhere
        or f"{MODULE_PREFIX}{name}" in elsewhere
    )


def _unfilled(own: Tensors, loaded: Tensors, elsewhere: frozenset[str]) -> list[str]:
    """Names of the module's tensors that still hold their initial values.

    Args:
        own: tensors of the module.
        loaded: what FunASR's loader assigns to them.
        elsewhere: names that are loaded by other code.
    """
    matching = {name for name, tensor in loaded.items() if tensor.shape == own[name].shape}
    filled = {id(own[name]) for name in matching | (elsewhere & own.keys())}  # ids: tied weights
    return [
        name
        for name, tensor in own.items()
        if id(tensor) not in filled and tensor.numel() and not name.endswith(_TRAINING_ONLY)
    ]


def _only_tensors(state: Mapping[str, object]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}


def _describe_mismatch(
    source: str, total: int, problems: Mapping[str, list[str]], unknown: list[str]
) -> str:
    parts = [
        f"{len(names)} of {total} tensors {problem} {source} ({_first_names(names)})"
        for problem, names in problems.items()
        if names
    ]
    if unknown:
        parts.append(
            f"{len(unknown)} tensors of {source} are not in the model ({_first_names(unknown)})"
        )
    return ", and ".join(parts)


def _first_names(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f", and {more} more" if more > 0 else "")


class _RecordingModule:
    """Stands in for a module in FunASR's loader and records the tensors that it would load."""

    def __init__(self, state: Tensors) -> None:
        self._state = state
        self.loaded: dict[str, torch.Tensor] = {}

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the tensors by name, like torch.nn.Module."""
        return dict(self._state)

    def load_state_dict(self, state: Tensors, strict: bool = True) -> None:
        """Record the new tensors; a tensor that is still the same object was not loaded."""
        self.loaded = {name: new for name, new in state.items() if new is not self._state[name]}


class _NumberedFile:
    """Stands in for FunASR's object store: each tensor of the file is replaced by its number."""

    def __init__(self, names: Sequence[str]) -> None:
        buffer = io.BytesIO()
        torch.save({name: torch.tensor(number) for number, name in enumerate(names)}, buffer)
        self._content = buffer.getvalue()

    def get_object(self, _path: str) -> io.BytesIO:
        """The file."""
        return io.BytesIO(self._content)


def _loaded_by_funasr(model: Any) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The tensors that FunASR's loader assigns to the module, even those of another shape.

    Returns:
        Tensor name of the module -> tensor of the file, and the names in the file that are unused.
    """
    kwargs, module = model.kwargs, _RecordingModule(model.model.state_dict())
    path = kwargs.get("init_param")
    if not path or not Path(str(path)).exists():
        return {}, []
    in_file = _only_tensors(_unwrapped(torch.load(path, map_location="meta")))
    names, scopes = list(in_file), kwargs.get("scope_map", [])
    with contextlib.redirect_stdout(io.StringIO()):  # the first load has printed the names
        load_pretrained_model(
            path=path,
            model=module,
            ignore_init_mismatch=False,
            oss_bucket=_NumberedFile(names),
            scope_map=scopes
            if isinstance(scopes, str)
            else list(scopes),  # the loader appends to it
            excludes=kwargs.get("excludes"),
        )
    sources = {own: names[int(number)] for own, number in module.loaded.items()}
    unused = [name for name in names if name not in set(sources.values())]
    return {own: in_file[name] for own, name in sources.items()}, unused


def _unwrapped(saved: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tensors of a file, without the levels that FunASR's loader also removes."""
    for level in ("state_dict", "model_state_dict", "model"):
        saved = saved.get(level, saved)
    return saved
