"""Draws a dashboard as a PNG, from the data of a Prometheus.

python -m deploy.picture http://127.0.0.1:9090 fleet fleet.png --minutes 30
"""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.generating.dashboards import DASHBOARDS
from deploy.generating.drawing import NoSuchRow, draw
from deploy.generating.reading import QueryFailed, Window, read

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_POINTS = 240
"""Points per line."""
_LEAST_STEP_S = 1.0


@app.command()
def picture(  # noqa: PLR0913, PLR0917 - one parameter per option
    prometheus: Annotated[str, typer.Argument(help="URL of Prometheus.")],
    dashboard: Annotated[Literal["fleet", "job", "worker"], typer.Argument()],
    path: Annotated[Path, typer.Argument(help="PNG file to write.")],
    minutes: Annotated[float, typer.Option(help="Length of the time range.")] = 60.0,
    job: Annotated[str, typer.Option(help="Job, for the dashboard job.")] = "",
    instance: Annotated[str, typer.Option(help="Instance, for the dashboard worker.")] = "",
    slot: Annotated[
        str, typer.Option(help="Regular expression of slots, for the dashboard worker.")
    ] = ".*",
    end: Annotated[
        float, typer.Option(help="End of the range, in seconds since the epoch; 0 is now.")
    ] = 0.0,
    rate: Annotated[str, typer.Option(help="Window of rate().")] = "1m",
    row: Annotated[list[str] | None, typer.Option(help="Only this row; may be repeated.")] = None,
) -> None:
    """Draw a dashboard as a PNG."""
    values = {
        "job": job,
        "instance": instance or ".*",
        "slot": slot,
        "__rate_interval": rate,
        "__range": f"{minutes * 60:.0f}s",
    }
    end_s = end or time.time()
    step_s = max(_LEAST_STEP_S, minutes * 60 / _POINTS)
    window = Window(begin_s=end_s - minutes * 60, end_s=end_s, step_s=step_s)
    declared = next(one for one in DASHBOARDS if one.title.lower() == dashboard)
    try:
        draw(
            declared,
            row or (),
            lambda query: read(prometheus, query, values, window),
            window,
            path,
        )
    except (QueryFailed, NoSuchRow) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
