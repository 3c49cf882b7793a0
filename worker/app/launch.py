"""`fleet worker`: check the configuration and the services, then exec Celery."""

import os
import socket
import sys
import time
from collections.abc import Callable

from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.contract.queues import BrokerUnavailable, lanes
from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.consumer import celery_patches
from funasr_fleet.worker.engine.directories import check_directories
from funasr_fleet.worker.process.hardware import choose_devices, list_gpus
from funasr_fleet.worker.process.private_directory import (
    claim_numba_cache,
    claim_private,
    claim_run_dir,
)

_BROKER_WAIT_S = 10.0
"""How long to wait for a broker that is started together with the worker."""


def check_worker(settings: Settings) -> int:
    """Check what the worker needs before it starts; return the number of its children.

    Raises:
        BadConfiguration: a model directory is missing or has no configuration, the metrics port is
            in use, other users can write to the run directory or to numba's cache directory, or
            Celery is a version that the worker was not tested with.
        DeviceUnavailable: a requested GPU was not found.
        StoreError: S3 does not answer or rejects the credentials.
        BrokerUnavailable: Redis does not answer.
    """
    children = count_children(settings)
    check_directories(settings)
    celery_patches.check()
    claim_private(settings.run_dir)
    claim_numba_cache(settings.run_dir)
    check_port(settings.metrics_host, settings.metrics_port)
    S3Store().check()
    _wait_for_broker(LedgerReader(connect(settings)).check, time.monotonic, time.sleep)
    return children


def check_port(host: str, port: int) -> None:
    """Check that the metrics server can bind the address.

    Raises:
        BadConfiguration: it cannot.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            at = f" on FLEET_METRICS_HOST {host}" if host else ""
            raise BadConfiguration(
                f"FLEET_METRICS_PORT {port} cannot be used{at} ({error.strerror}); "
                "choose another port, or 0 to disable metrics"
            ) from None


def count_children(settings: Settings) -> int:
    """Return the number of worker children: one per device."""
    gpus = [gpu.uuid for gpu in list_gpus()]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return len(choose_devices(settings.devices, gpus, visible, settings.on_missing_gpu))


def _wait_for_broker(
    check: Callable[[], None], clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    deadline_s = clock() + _BROKER_WAIT_S
    while True:
        try:
            return check()
        except BrokerUnavailable:
            if clock() > deadline_s:
                raise
            sleep(0.5)


def exec_celery(settings: Settings, children: int) -> None:
    """Replace this process with Celery, so that signals reach it directly; does not return."""
    run_dir = claim_run_dir(settings.run_dir)
    os.environ.update(settings.model_copy(update={"run_dir": run_dir}).to_environment())
    arguments = [
        *(sys.executable, "-m", "celery", "--quiet"),
        *("-A", "funasr_fleet.worker.app.celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", str(children)),
        *("--queues", ",".join(lanes(settings.queue)), "--loglevel", "INFO"),
        *("--hostname", f"fleet-{os.getpid()}@%h"),
        # workers do not need to know of each other
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own command
