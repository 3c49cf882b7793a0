"""`fleet exporter`."""

import signal
from typing import Annotated

import typer

from funasr_fleet.cli.exits import WrongUsage


def exporter(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of /metrics, /healthz and /readyz.")
    ] = 9465,
    pod_deletion_cost: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="In Kubernetes: raise the deletion cost of busy worker pods with these labels.",
        ),
    ] = None,
) -> None:
    """Export backlog, jobs and dead letters to Prometheus and KEDA.

    It needs no workers, so a fleet scaled to 0 still has metrics.

    Example: fleet exporter --port 9465
    """
    from funasr_fleet.exporter.deletion_cost import KubernetesUnavailable
    from funasr_fleet.exporter.kubernetes import ClusterPods
    from funasr_fleet.exporter.serving import serve
    from funasr_fleet.settings import BadConfiguration, Settings

    settings = Settings.load()
    try:
        selector = pod_deletion_cost
        pods = ClusterPods.of_this_namespace(selector) if selector else None
    except KubernetesUnavailable as error:
        raise WrongUsage(f"--pod-deletion-cost: {error}") from None
    signal.signal(signal.SIGTERM, _end)
    typer.echo(f"http://0.0.0.0:{port}/metrics", err=True)
    try:
        serve(settings, port, pods)
    except OSError as error:
        raise BadConfiguration(
            f"port {port} cannot be used ({error.strerror}); choose another"
        ) from None


def _end(*_: object) -> None:
    raise typer.Exit(0)
