"""`python -m bench gpu-bundle`: packs what `bench engine` needs on an offline machine with a GPU.

That machine already has Python with CUDA's torch, numpy, scipy, numba and transformers. The bundle
adds FunASR, the small packages that FunASR and this project import, the project, and the decoded
audio.
"""

import shutil
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.long_audio import BUNDLED_AUDIO, decode_samples

MOST_BYTES = 60 << 20
PACKAGES = (
    "funasr",
    "kaldi-native-fbank",
    "kaldiio",
    "hydra-core",
    "omegaconf",
    "antlr4-python3-runtime",
    "jaconv",
    "jamo",
    "six",
    "cffi",
    "pycparser",
    "rapidfuzz",
    "librosa",
    "lazy-loader",
    "soundfile",
    "tensorboardX",
    "torch-complex",
    "pydantic",
    "pydantic-core",
    "typing-inspection",
    "annotated-types",
    "pydantic-settings",
    "redis",
    "psutil",
    "typer",
    "annotated-doc",
    "shellingham",
    "rich",
    "markdown-it-py",
    "mdurl",
    "pygments",
    "nvidia-ml-py",
)
"""Packages that such a machine may lack, at the versions of constraints.txt."""

_PACKAGES = ("broker", "contract", "demo_model", "storage", "worker")
"""Subpackages of funasr_fleet to include."""

_RUN = """#!/bin/sh
# compares FunASR's own generate with our engine on this machine's GPU; then 16-bit with 32-bit
set -e
cd "$(dirname "$0")"
export PYTHONPATH=.:lib
python3 -m bench engine --device cuda --model paraformer-large \\
    --audio-hours 4 --shortest-s 30 --longest-s 3600 --json "$@"
python3 -m bench precision --device cuda --json
"""


def make_bundle(root: Path, target: Path, python_version: str) -> Path:
    """Copy everything to `target`, pack it into an archive beside it, and return the archive.

    Raises:
        ValueError: the archive is larger than MOST_BYTES.
    """
    shutil.rmtree(target, ignore_errors=True)
    _copy_project(root, target)
    _install_packages(root, target / "lib", python_version)
    samples: dict[str, Any] = {str(place): one for place, one in enumerate(decode_samples())}
    packed = {name: np.round(one * 32767).astype(np.int16) for name, one in samples.items()}
    np.savez_compressed(target / "bench" / BUNDLED_AUDIO, allow_pickle=False, **packed)
    run = target / "run.sh"
    run.write_text(_RUN)
    run.chmod(0o755)
    archive = target.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz") as packed_file:
        packed_file.add(target, arcname=target.name)
    if archive.stat().st_size > MOST_BYTES:
        raise ValueError(f"{archive} has {archive.stat().st_size >> 20} MiB, more than allowed")
    return archive


def _copy_project(root: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "results")
    folders = {"bench": "bench", "funasr_fleet": "funasr_fleet"}
    folders |= {name: f"funasr_fleet/{name}" for name in _PACKAGES}
    for source, place in folders.items():
        shutil.copytree(root / source, target / place, ignore=ignored)


def _install_packages(root: Path, target: Path, python_version: str) -> None:
    """Install wheels for that Python; pure packages without a wheel are built here."""
    pins = _pins(root)
    platforms = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
    foreign = ["--only-binary=:all:", "--python-version", python_version, "--implementation", "cp"]
    foreign += [part for platform in platforms for part in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    for name in PACKAGES:
        wanted = f"{name}=={pins[_normal(name)]}"
        ways = ([*pip, *foreign, wanted], [*pip, wanted])
        first, second = (partial(subprocess.run, way) for way in ways)
        if first(check=False, capture_output=True).returncode:
            second(check=True)


def _pins(root: Path) -> dict[str, str]:
    """Return normalised name -> version from constraints.txt."""
    lines = (root / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {_normal(name): version.split()[0] for name, version in pairs}


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-")
