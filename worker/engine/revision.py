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
        inside = place.iterdir() if place.is_dir() else [place]
        for file in sorted(path for path in inside if _is_part(path)):
            digest.update(file.name.encode())
            with file.open("rb") as content:
                while chunk := content.read(_CHUNK_BYTES):
                    digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _is_part(path: Path) -> bool:
    """Configuration, weights and tokens; not cards, licences and what hubs leave beside them."""
    return path.is_file() and path.suffix in {
        ".pt",
        ".bin",
        ".safetensors",
        ".yaml",
        ".json",
        ".mvn",
        ".model",
        ".txt",
        ".jit",
        ".onnx",
    }
