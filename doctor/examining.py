"""Every look, in order."""

import importlib.util
from collections.abc import Iterator

from contract.settings import Settings
from doctor.broker import look_at_broker
from doctor.finding import Finding
from doctor.storage import look_at_storage

_WORKER_PACKAGES = ("torch", "funasr", "av", "psutil")


def examine(
    settings: Settings, *, audio: str | None, output: str | None, load_models: bool
) -> Iterator[Finding]:
    """Look at one thing after the other; what cannot be looked at is a finding too.

    Args:
        settings: what this machine's processes would have.
        audio: s3://bucket/prefix/ of recordings, to be listed and read.
        output: s3://bucket/prefix/ of results, where a small object is written and deleted.
        load_models: whether the models are loaded, which takes a while.
    """
    yield from look_at_broker(settings)
    yield from look_at_storage(audio, output)
    missing = [name for name in _WORKER_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        told = f"this is no worker's machine: {', '.join(missing)} not installed"
        yield Finding(
            "worker", "skipped", told, "to make it one: pip install 'funasr-fleet[worker]'"
        )
        return
    from doctor.machine import look_at_machine
    from doctor.models import look_at_models

    devices = yield from look_at_machine(settings)
    if devices and load_models:
        yield from look_at_models(settings, devices)
    elif devices:
        yield Finding("model", "skipped", f"{settings.model} was not loaded")
