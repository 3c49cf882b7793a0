"""Puts the models of FLEET_MODEL, FLEET_VAD_MODEL ... into a folder, each below its own name.

    python bake.py FOLDER

Then a worker's engine is built from there, canary included: a model that cannot be fetched, or does
not work, ends this with an error, and with it the build of the image.
"""

import logging
import shutil
import sys
from pathlib import Path

from contract.settings import Settings
from worker.engine.build import build_engine
from worker.machine import usable_cores
from worker.pinning import CPU, plan_slot

_ROLES = ("model", "vad_model", "punc_model", "spk_model")


def fetch(name: str, folder: Path) -> Path:
    """Copy a model of the hub, or a local directory, to FOLDER/NAME; say where that is."""
    from funasr.download.download_model_from_hub import download_model

    target = folder / name
    # what hubs leave beside a model begins with a dot
    shutil.copytree(
        download_model(model=name)["model_path"],
        target,
        ignore=shutil.ignore_patterns(".*"),
        dirs_exist_ok=True,
    )
    return target


def main(arguments: list[str]) -> int:
    """Fetch every model that is named, and prove them."""
    logging.basicConfig(level=logging.INFO)
    folder, settings = Path(arguments[0]), Settings.load()
    names = {role: str(getattr(settings, role)) for role in _ROLES}
    baked = {role: str(fetch(name, folder)) for role, name in names.items() if name}
    plan = plan_slot(0, [CPU], usable_cores(), "auto")
    build_engine(settings.model_copy(update=baked), plan)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
