"""`fleet exporter`."""

import signal
from typing import Annotated

import typer


def exporter(
    port: Annotated[int, typer.Option(help="Port of /metrics, /healthz and /readyz.")] = 9465,
) -> None:
    """Show backlog, jobs and dead letters to Prometheus and KEDA, with or without workers.

    Example: fleet exporter --port 9465
    """
    from contract.settings import BadConfiguration, Settings
    from exporter.serving import serve

    settings = Settings.load()
    signal.signal(signal.SIGTERM, _end)
    typer.echo(f"http://0.0.0.0:{port}/metrics", err=True)
    try:
        serve(settings, port)
    except OSError as error:
        raise BadConfiguration(
            f"port {port} cannot be used ({error.strerror}); choose another"
        ) from None


def _end(*_: object) -> None:
    raise typer.Exit(0)
