"""`fleet worker`."""

from typing import Annotated

import typer

from funasr_fleet.cli.exits import WrongUsage


def worker(
    devices: Annotated[
        str | None, typer.Option(help="auto, cpu, or a list: 0,1 or GPU-<uuid>; one child each.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Queue to consume.")] = None,
) -> None:
    """Run a worker, with one child process per GPU, until SIGTERM.

    Example: FLEET_MODEL=paraformer-zh fleet worker --devices 0,1
    """
    from funasr_fleet.settings import Settings
    from funasr_fleet.worker.app.launch import check_worker, exec_celery
    from funasr_fleet.worker.process.hardware import DeviceUnavailable

    settings = Settings.load(devices=devices, queue=queue)
    for name, value in settings.redacted().items():
        typer.echo(f"{name} = {value}", err=True)
    try:
        children = check_worker(settings)
    except DeviceUnavailable as error:
        raise WrongUsage(str(error)) from None
    exec_celery(settings, children)
