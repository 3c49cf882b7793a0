"""Checks of model directories before anything is loaded or downloaded. Imports no torch.

FunASR looks up every name that is not an existing path on the hub, even a mistyped directory.
"""

import json
from pathlib import Path

from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.worker.engine.revision import resolve_model, resolve_vad, split_revision

ROLES = {
    "recogniser": "FLEET_MODEL",
    "vad": "FLEET_VAD_MODEL",
    "punctuation": "FLEET_PUNC_MODEL",
    "speaker": "FLEET_SPK_MODEL",
}
"""Role of a model -> the setting that names it."""


def model_names(settings: Settings) -> dict[str, str]:
    """Role -> directory or hub name, for every model that the settings name."""
    names = (
        resolve_model(settings.model),
        resolve_vad(settings),
        settings.punc_model,
        settings.spk_model,
    )
    return {role: name for role, name in zip(ROLES, names, strict=True) if name}


def check_directories(settings: Settings) -> None:
    """Check that every model directory that the settings name holds a configuration.

    Raises:
        BadConfiguration: with the setting and what is wrong with its directory.
    """
    for role, name in model_names(settings).items():
        if problem := problem_of(name):
            raise BadConfiguration(f"{ROLES[role]} {name}: {problem}")


def problem_of(name: str) -> str | None:
    """What is wrong with a model directory; None if it holds a configuration, or for a hub name."""
    directory = Path(split_revision(name)[0])
    if not _is_path(name):
        return None
    if not directory.exists():
        tilde = "; ~ is not expanded: give the whole path" if name.startswith("~") else ""
        return f"there is no such directory{tilde}"
    if not directory.is_dir():
        return "it is not a directory"
    try:
        return _problem_in(directory)
    except OSError as error:
        return f"the directory cannot be read: {error.strerror}"


def load_advice(name: str) -> str:
    """What to check when a model with this name cannot be loaded."""
    if Path(split_revision(name)[0]).exists():
        return "check the files in its directory"
    return (
        "there is no such directory, so the name was looked up on the hub: check the name and the "
        "connection to the hub"
    )


def _is_path(name: str) -> bool:
    """Whether the name is a path: it exists, or no hub name has its form (owner/model)."""
    plain = split_revision(name)[0]
    return plain.startswith(("/", ".", "~")) or plain.count("/") > 1 or Path(plain).exists()


_MUST_HOLD = "docs/models.md lists the required files"


def _problem_in(directory: Path) -> str | None:
    if not any(directory.iterdir()):
        return f"the directory is empty; {_MUST_HOLD}"
    listing = directory / "configuration.json"
    config = _named_config(listing.read_bytes()) if listing.exists() else "config.yaml"
    if config is None:
        return f"its configuration.json names no file_path_metas.config; {_MUST_HOLD}"
    return None if (directory / config).is_file() else f"it has no {config}; {_MUST_HOLD}"


def _named_config(listing: bytes) -> str | None:
    """The configuration file that a configuration.json names."""
    try:
        return str(json.loads(listing)["file_path_metas"]["config"])
    except (ValueError, KeyError, TypeError):
        return None
