"""`fleet exporter`."""

import signal
from typing import Annotated

import typer

from cli.exits import WrongUsage


def exporter(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of /metrics, /healthz and /readyz.")
    ] = 9465,
    pod_deletion_cost: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="In Kubernetes: mark busy worker pods, found by these labels, as dear to delete.",
        ),
    ] = None,
) -> None:
    """Show backlog, jobs and dead letters to Prometheus and KEDA, with or without workers.

    Example: fleet exporter --port 9465
    """
    from contract.settings import BadConfiguration, Settings
    from exporter.deletion_cost import KubernetesUnavailable
    from exporter.kubernetes import ClusterPods
    from exporter.serving import serve

    settings = Settings.load()
    try:
        wanted = pod_deletion_cost
        pods = ClusterPods.of_this_namespace(wanted) if wanted else None
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
