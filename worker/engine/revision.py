"""Resolve model names to directories or hub names, and hash the model files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from funasr_fleet.settings import DEMO, Settings

_HUB_VAD = "fsmn-vad"
_CHUNK_BYTES = 1 << 22


def resolve_model(name: str) -> str:
    """The directory or hub name for FunASR; `demo` is the embedded demo model."""
    if name != DEMO:
        return name
    from funasr_fleet.demo_model import DEMO_ASR

    return str(DEMO_ASR)


def resolve_vad(settings: Settings) -> str:
    """The VAD as configured; with `auto`, the one that matches the recogniser."""
    if settings.vad_model not in ("auto", DEMO):
        return settings.vad_model
    if DEMO not in (settings.model, settings.vad_model):
        return _HUB_VAD
    from funasr_fleet.demo_model import DEMO_VAD

    return str(DEMO_VAD)


def split_revision(name: str) -> tuple[str, str | None]:
    """Split name@revision into hub name and revision; an existing path is not split."""
    plain, _, revision = name.rpartition("@")
    return (plain, revision) if plain and not Path(name).exists() else (name, None)


def revision_of(paths: Iterable[Path]) -> str:
    """sha256:<hex> over names and contents of model files.

    Args:
        paths: model directories, or single weights files.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in _model_files(path):
            digest.update(file.name.encode())
            with file.open("rb") as content:
                while chunk := content.read(_CHUNK_BYTES):
                    digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _model_files(path: Path) -> list[Path]:
    """The file itself, or the model files of a directory and of the models nested in it."""
    if path.is_file():
        return [path]
    entries = list(path.iterdir())
    has_weights = _WEIGHTS & {entry.suffix for entry in entries}
    suffixes = _SUFFIXES if has_weights else _SUFFIXES | _COMPILED
    files = sorted(entry for entry in entries if entry.is_file() and entry.suffix in suffixes)
    submodels = sorted(entry for entry in entries if (entry / "config.json").is_file())
    return files + [file for folder in submodels for file in _model_files(folder)]


_WEIGHTS = {".pt", ".bin", ".safetensors"}
_COMPILED = {".jit", ".onnx"}
"""Exports; FunASR does not read them when there are weights."""
_SUFFIXES = _WEIGHTS | {".yaml", ".json", ".mvn", ".model", ".txt"}
"""Configuration, weights and tokens; model cards, licences and hub metadata are left out."""
