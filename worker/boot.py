"""`fleet worker`: check the configuration, prove the services, then become Celery."""

import os
import socket
import sys
import time
from collections.abc import Callable

from contract.ledger import Ledger, connect
from contract.queues import BrokerUnavailable, lanes
from contract.s3 import S3Store
from contract.settings import BadConfiguration, Settings
from worker.machine import list_gpus
from worker.pinning import choose_devices
from worker.private_directory import claim_numba_cache, claim_private, claim_run_dir

_BROKER_PATIENCE_S = 10.0
"""A broker that is started together with the worker may take this long."""


def check_worker(settings: Settings) -> int:
    """Prove what the worker needs before it starts; return how many children it will have.

    Raises:
        BadConfiguration: the metrics port is taken, or other users can write to the directory of
            the run or of what numba compiles.
        DeviceUnavailable: a GPU asked for is not there.
        StoreError: S3 does not answer or refuses the credentials.
        BrokerUnavailable: Redis does not answer.
    """
    children = count_children(settings)
    claim_private(settings.run_dir)
    claim_numba_cache(settings.run_dir)
    check_port(settings.metrics_port)
    S3Store().check()
    _wait_for_broker(Ledger(connect(settings)).check, time.monotonic, time.sleep)
    return children


def check_port(port: int) -> None:
    """Prove that the metrics can be served there.

    Raises:
        BadConfiguration: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise BadConfiguration(
                f"FLEET_METRICS_PORT {port} cannot be used ({error.strerror}); choose another, or 0"
            ) from None


def count_children(settings: Settings) -> int:
    """One child per device."""
    gpus = [gpu.uuid for gpu in list_gpus()]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return len(choose_devices(settings.devices, gpus, visible, settings.on_missing_gpu))


def _wait_for_broker(
    check: Callable[[], None], clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    give_up = clock() + _BROKER_PATIENCE_S
    while True:
        try:
            return check()
        except BrokerUnavailable:
            if clock() > give_up:
                raise
            sleep(0.5)


def become_celery(settings: Settings, children: int) -> None:
    """Replace this process by Celery's, so that signals reach it directly; does not return."""
    run_dir = claim_run_dir(settings.run_dir)
    os.environ.update(settings.model_copy(update={"run_dir": run_dir}).to_environment())
    arguments = [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "worker.app", "worker"),
        *("--pool", "prefork", "--concurrency", str(children)),
        *("--queues", ",".join(lanes(settings.queue)), "--loglevel", "INFO"),
        *("--hostname", f"fleet-{os.getpid()}@%h"),
        # two workers need not know of each other
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own command
