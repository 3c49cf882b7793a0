"""The environment of the embedded stack: nothing of the caller's own fleet or cloud in it."""

import os
import re

from contract.settings import Settings

_FOREIGN = re.compile(r"^(FLEET_|AWS_|.*_PROXY$|.*_proxy$)")


def isolated(environment: dict[str, str]) -> dict[str, str]:
    """This process's environment with every setting at its default, but for those given.

    Settings, profiles and proxies that are meant for a real fleet would break the small one, and
    a `fleet.toml` in the current folder would too: each setting is named.
    """
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    defaults = Settings.model_construct().to_environment()
    return {**kept, **defaults, **environment}


def adopt(environment: dict[str, str]) -> None:
    """Make this process one of the stack's."""
    found = isolated(environment)
    os.environ.clear()
    os.environ.update(found)
