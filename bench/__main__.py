"""`python -m bench NAME [--json]`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Device = Literal["cpu", "cuda"]
Model = Literal["demo", "paraformer-large"]
Precision = Literal["fp32", "bf16", "fp16"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def benches() -> None:
    """Measure; every bench prints one JSON line with --json."""


@app.command()
def soak(
    repeats: Annotated[int, typer.Option(min=3, help="How often the file is transcribed.")] = 8,
    minutes: Annotated[float, typer.Option(help="Length of the file.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/soak"),
) -> None:
    """Transcribe one long file again and again in one worker child; exit 1 if it gets slower."""
    from bench.soak import run_soak

    result = run_soak(data, repeats, minutes)
    typer.echo(result.to_json() if as_json else result.to_text())
    if not result.steady:
        raise typer.Exit(1)


@app.command()
def scaling(
    rounds: Annotated[int, typer.Option(min=1, help="How often; the fastest counts.")] = 3,
    chart: Annotated[Path | None, typer.Option(help="Draw the growth into this SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/scaling"),
) -> None:
    """Show how time grows with the number of files and with their length."""
    from bench.chart import draw
    from bench.scaling import run_scaling

    result = run_scaling(data, rounds)
    typer.echo(result.to_json() if as_json else result.to_text())
    if chart:
        chart.write_text(draw([result.by_files, result.by_minutes]))


@app.command()
def engine(  # noqa: PLR0913, PLR0917 - one parameter per flag
    device: Annotated[Device, typer.Option(help="Where both sides work.")] = "cpu",
    model: Annotated[Model, typer.Option(help="The large one has random weights.")] = "demo",
    audio_hours: Annotated[float, typer.Option(help="Audio to hear, at least.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="How often each side hears it.")] = 3,
    precision: Annotated[Precision, typer.Option(help="Of our engine.")] = "fp32",
    batch_seconds: Annotated[float, typer.Option(help="Of ours; 0 is auto.")] = 0.0,
    shortest_s: Annotated[float, typer.Option(min=1, help="Shortest file, in s.")] = 5.0,
    longest_s: Annotated[float, typer.Option(min=1, help="Longest file, in s.")] = 1800.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare our engine with FunASR's own generate."""
    from bench.engine import run_engine
    from bench.loading import load_engine
    from bench.mixed_audio import make_recordings

    ours = load_engine(device, model, precision, batch_seconds)
    recordings = make_recordings(audio_hours, shortest_s, longest_s)
    result = run_engine(ours, model, recordings, rounds)
    line = f"{result.ours_rtfx}x against {result.stock_rtfx}x: {result.ratio} times as fast"
    typer.echo(result.to_json() if as_json else line)


@app.command()
def precision(
    device: Annotated[Device, typer.Option(help="Where the models work.")] = "cpu",
    model: Annotated[Model, typer.Option(help="The large one has random weights.")] = "demo",
    audio_hours: Annotated[float, typer.Option(help="Audio to hear, at least.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="How often; the median counts.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what 16 bits do to the words."""
    from bench.precision import run_precision

    result = run_precision(device, model, audio_hours, rounds)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def speakers(
    minutes: Annotated[float, typer.Option(min=1, help="Length of each recording.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell speakers apart in two recordings of many turns, and let FunASR do it beside."""
    from bench.speakers import run_speakers

    result = run_speakers(minutes)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def backlog(
    files: Annotated[int, typer.Option(min=1000, help="Files of the huge job.")] = 10_000_000,
    finished: Annotated[int, typer.Option(min=100, help="Files of the finished job.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/backlog"),
) -> None:
    """Publish a huge backlog, look at it, and enqueue again what is finished."""
    from bench.backlog import run_backlog

    result = run_backlog(data, files, finished)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def fairness(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/fairness"),
) -> None:
    """Show how long a small job takes behind a huge one."""
    from bench.fairness import run_fairness

    result = run_fairness(data)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def endurance(
    minutes: Annotated[float, typer.Option(help="How long, by the clock.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/endurance"),
) -> None:
    """Work on mixed files for half an hour in one child; exit 1 if memory grows."""
    from bench.endurance import run_endurance

    result = run_endurance(data, minutes)
    typer.echo(result.to_json() if as_json else result.to_text())
    if not result.flat:
        raise typer.Exit(1)


@app.command()
def recovery(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/recovery"),
) -> None:
    """Kill a child, a worker, the broker and S3, and show how soon work goes on."""
    from bench.recovery import run_recovery

    result = run_recovery(data)
    typer.echo(result.to_json() if as_json else result.to_text())
    if result.lost or result.double_counted:
        raise typer.Exit(1)


@app.command()
def autoscale(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Play days of work with the scaler of deploy/kubernetes, and with others beside it."""
    from bench.autoscale.comparing import run_autoscale

    result = run_autoscale()
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def broker(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/broker"),
) -> None:
    """Show what one Redis has to do for a fleet."""
    from bench.broker import run_broker

    result = run_broker(data)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command("gpu-bundle")
def gpu_bundle(
    python_version: Annotated[str, typer.Option(help="Python of the machine with the GPU.")],
    target: Annotated[Path, typer.Option(help="Folder to fill.")] = Path("build/gpu-bundle"),
) -> None:
    """Gather all that `engine` needs on an offline machine with CUDA's torch."""
    from bench.bundle import make_bundle

    archive = make_bundle(Path(__file__).parent.parent, target, python_version)
    typer.echo(f"{archive}: {archive.stat().st_size / (1 << 20):.1f} MiB; there: tar xf, ./run.sh")


app()
