"""Which model is meant, and which bytes it is."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from contract.settings import DEMO, Settings

_HUB_VAD = "fsmn-vad"
_CHUNK_BYTES = 1 << 22


def resolve_model(name: str) -> str:
    """The directory or hub name that FunASR is to load."""
    if name != DEMO:
        return name
    from models import DEMO_ASR

    return str(DEMO_ASR)


def resolve_vad(settings: Settings) -> str:
    """The speech detector that fits the recogniser, unless one is named."""
    if settings.vad_model not in ("auto", DEMO):
        return settings.vad_model
    if DEMO not in (settings.model, settings.vad_model):
        return _HUB_VAD
    from models import DEMO_VAD

    return str(DEMO_VAD)


def split_revision(name: str) -> tuple[str, str | None]:
    """Hub name and revision of name@revision; a directory's name is all of it."""
    plain, _, revision = name.rpartition("@")
    return (plain, revision) if plain and not Path(name).exists() else (name, None)


def revision_of(places: Iterable[Path]) -> str:
    """sha256:<hex> over names and contents of the models' files; of one alone where that is all."""
    digest = hashlib.sha256()
    for place in places:
        for file in _parts(place):
            digest.update(file.name.encode())
            with file.open("rb") as content:
                while chunk := content.read(_CHUNK_BYTES):
                    digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _parts(place: Path) -> list[Path]:
    """A file, or the parts of a model in a directory, and of a model within that model."""
    if place.is_file():
        return [place]
    inside = list(place.iterdir())
    kinds = _PARTS if _WEIGHTS & {path.suffix for path in inside} else _PARTS | _COMPILED
    here = sorted(path for path in inside if path.is_file() and path.suffix in kinds)
    within = sorted(path for path in inside if (path / "config.json").is_file())
    return here + [part for folder in within for part in _parts(folder)]


_WEIGHTS = {".pt", ".bin", ".safetensors"}
_COMPILED = {".jit", ".onnx"}
"""Beside weights they are exports that FunASR does not read."""
_PARTS = _WEIGHTS | {".yaml", ".json", ".mvn", ".model", ".txt"}
"""Configuration, weights and tokens; not cards, licences and what hubs leave beside them."""
