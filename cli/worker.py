"""`fleet worker`."""

from typing import Annotated

import typer

from cli.exits import WrongUsage


def worker(
    devices: Annotated[
        str | None, typer.Option(help="auto, cpu, or a list: 0,1 or GPU-<uuid>; one child each.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Queue to consume.")] = None,
) -> None:
    """Transcribe what is in the queue, one child per GPU, until SIGTERM.

    Example: FLEET_MODEL=paraformer-zh fleet worker --devices 0,1
    """
    from contract.settings import Settings
    from worker.boot import become_celery, check_worker
    from worker.pinning import DeviceUnavailable

    settings = Settings.load(devices=devices, queue=queue)
    for name, value in settings.redacted().items():
        typer.echo(f"{name} = {value}", err=True)
    try:
        children = check_worker(settings)
    except DeviceUnavailable as error:
        raise WrongUsage(str(error)) from None
    become_celery(settings, children)
