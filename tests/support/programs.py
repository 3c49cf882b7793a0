"""Programs that pip cannot bring."""

import os
import shutil

import pytest

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "kubectl": "kubernetes-client",
    "docker-compose": "docker-compose",
    "systemd-analyze": "systemd",
}
"""Debian's package of each."""


def needs(program: str) -> str:
    """Its path; without it the test is skipped, and on CI it fails."""
    found = shutil.which(program)
    if not found:
        why = f"{program} is not installed: apt-get install {PACKAGES[program]}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found
