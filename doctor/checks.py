"""Runs all checks in order."""

import importlib.util
from collections.abc import Iterator

from funasr_fleet.doctor import Finding
from funasr_fleet.doctor.broker import check_broker
from funasr_fleet.doctor.storage import check_storage
from funasr_fleet.settings import Settings

_WORKER_PACKAGES = ("torch", "funasr", "av", "psutil")


def run_checks(
    settings: Settings, *, audio: str | None, output: str | None, load_models: bool
) -> Iterator[Finding]:
    """Run all checks in order; a check that cannot be run is reported as skipped.

    Args:
        settings: the settings of this machine's processes.
        audio: s3://bucket/prefix/ of recordings, to be listed and read.
        output: s3://bucket/prefix/ of results, where a small object is written and deleted.
        load_models: whether to load the models, which takes a while.
    """
    yield from check_broker(settings)
    yield from check_storage(audio, output)
    missing = [name for name in _WORKER_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        detail = f"this machine cannot run a worker: {', '.join(missing)} not installed"
        yield Finding(
            "worker", "skipped", detail, "for a worker: pip install 'funasr-fleet[worker]'"
        )
        return
    from funasr_fleet.doctor.worker import check_machine, check_models

    devices = yield from check_machine(settings)
    if devices and load_models:
        yield from check_models(settings, devices)
    elif devices:
        yield Finding("model", "skipped", f"{settings.model} was not loaded")
