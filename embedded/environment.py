"""The environment of the embedded stack, without the caller's own fleet and cloud variables."""

import os
import re

from funasr_fleet.settings import Settings

_FOREIGN = re.compile(r"^(FLEET_|AWS_|.*_PROXY$|.*_proxy$)")


def isolated(environment: dict[str, str]) -> dict[str, str]:
    """This process's environment with all settings at their defaults, except those given.

    Settings, AWS profiles and proxies meant for a real fleet would break the embedded one. Every
    setting is set explicitly, so that a `fleet.toml` in the current folder has no effect.
    """
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    defaults = Settings.model_construct().to_environment()
    return {**kept, **defaults, **environment}


def adopt(environment: dict[str, str]) -> None:
    """Replace this process's environment with that of the stack."""
    adopted = isolated(environment)
    os.environ.clear()
    os.environ.update(adopted)
