"""Copies the models of FLEET_MODEL, FLEET_VAD_MODEL ... into a folder, each under its own name.

    python bake.py FOLDER

It then builds a worker's engine from that folder, including the canary: if a model cannot be
downloaded or does not work, the command fails, and the build of the image fails with it.
"""

import logging
import shutil
import sys
from pathlib import Path

from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.process.hardware import CPU, plan_slot, usable_cores

_ROLES = ("model", "vad_model", "punc_model", "spk_model")


def fetch(name: str, folder: Path) -> Path:
    """Copy a model from the hub, or a local directory, to FOLDER/NAME and return that path."""
    from funasr.download.download_model_from_hub import download_model

    target = folder / name
    # metadata files of hubs start with a dot
    shutil.copytree(
        download_model(model=name)["model_path"],
        target,
        ignore=shutil.ignore_patterns(".*"),
        dirs_exist_ok=True,
    )
    return target


def main(arguments: list[str]) -> int:
    """Copy every configured model, and verify them by building an engine."""
    logging.basicConfig(level=logging.INFO)
    folder, settings = Path(arguments[0]), Settings.load()
    names = {role: str(getattr(settings, role)) for role in _ROLES}
    baked = {role: str(fetch(name, folder)) for role, name in names.items() if name}
    plan = plan_slot(0, [CPU], usable_cores(), "auto")
    build_engine(settings.model_copy(update=baked), plan)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
