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
    """Run a benchmark; each prints one JSON line with --json."""


@app.command()
def soak(
    repeats: Annotated[int, typer.Option(min=3, help="Number of transcriptions of the file.")] = 8,
    minutes: Annotated[float, typer.Option(help="Length of the file.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/soak"),
) -> None:
    """Transcribe one long file repeatedly in one worker child; exit 1 if it gets slower."""
    from bench.soak import run_soak

    result = run_soak(data, repeats, minutes)
    typer.echo(result.to_json() if as_json else result.to_text())
    if not result.steady:
        raise typer.Exit(1)


@app.command()
def decode(
    minutes: Annotated[float, typer.Option(help="Length of each file.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare the decoder processes with the ffmpeg command, on one and on two cores."""
    from bench.decoding import run_decoding

    result = run_decoding(minutes, rounds)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def scaling(
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds; the fastest counts.")] = 3,
    chart: Annotated[Path | None, typer.Option(help="Draw the growth into this SVG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/scaling"),
) -> None:
    """Measure how time grows with the number of files and with their length."""
    from bench.chart import draw
    from bench.scaling import run_scaling

    result = run_scaling(data, rounds)
    typer.echo(result.to_json() if as_json else result.to_text())
    if chart:
        chart.write_text(draw([result.by_files, result.by_minutes]))


@app.command()
def engine(  # noqa: PLR0913, PLR0917 - one parameter per flag
    device: Annotated[Device, typer.Option(help="Device of both engines.")] = "cpu",
    model: Annotated[Model, typer.Option(help="The large model has random weights.")] = "demo",
    audio_hours: Annotated[float, typer.Option(help="Minimum amount of audio.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds per engine.")] = 3,
    precision: Annotated[Precision, typer.Option(help="Precision of our engine.")] = "fp32",
    batch_seconds: Annotated[
        float, typer.Option(help="Batch budget of our engine; 0 is auto.")
    ] = 0.0,
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
    device: Annotated[Device, typer.Option(help="Device of the models.")] = "cpu",
    model: Annotated[Model, typer.Option(help="The large model has random weights.")] = "demo",
    audio_hours: Annotated[float, typer.Option(help="Minimum amount of audio.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds; the median counts.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare the text in 16-bit and 32-bit precision."""
    from bench.precision import run_precision

    result = run_precision(device, model, audio_hours, rounds)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def speakers(
    minutes: Annotated[float, typer.Option(min=1, help="Length of each recording.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Cluster the speakers of two recordings of many turns, compared with FunASR."""
    from bench.speakers import run_speakers

    result = run_speakers(minutes)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def backlog(
    files: Annotated[int, typer.Option(min=1000, help="Files of the large job.")] = 10_000_000,
    finished: Annotated[int, typer.Option(min=100, help="Files of the finished job.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/backlog"),
) -> None:
    """Publish a very large backlog, read its status, and enqueue a finished job again."""
    from bench.backlog import run_backlog

    result = run_backlog(data, files, finished)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def fairness(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/fairness"),
) -> None:
    """Measure how long a small job takes behind a very large one."""
    from bench.fairness import run_fairness

    result = run_fairness(data)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def endurance(
    minutes: Annotated[float, typer.Option(help="Duration in wall time.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/endurance"),
) -> None:
    """Transcribe mixed files for half an hour in one child; exit 1 if memory grows."""
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
    """Kill a child, a worker, the broker and S3, and measure the recovery time."""
    from bench.recovery import run_recovery

    result = run_recovery(data)
    typer.echo(result.to_json() if as_json else result.to_text())
    if result.lost or result.double_counted:
        raise typer.Exit(1)


@app.command()
def autoscale(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Simulate days of work with the scaler of deploy/kubernetes and with others."""
    from bench.autoscale.comparing import run_autoscale

    result = run_autoscale()
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command()
def broker(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for the stack.")] = Path(".fleet/broker"),
) -> None:
    """Measure the load of a fleet on one Redis."""
    from bench.broker import run_broker

    result = run_broker(data)
    typer.echo(result.to_json() if as_json else result.to_text())


@app.command("gpu-bundle")
def gpu_bundle(
    python_version: Annotated[
        str, typer.Option(help="Python version of the machine with the GPU.")
    ],
    target: Annotated[Path, typer.Option(help="Folder to fill.")] = Path("build/gpu-bundle"),
) -> None:
    """Pack what `engine` needs on an offline machine with CUDA's torch."""
    from bench.bundle import make_bundle

    archive = make_bundle(Path(__file__).parent.parent, target, python_version)
    typer.echo(f"{archive}: {archive.stat().st_size / (1 << 20):.1f} MiB; there: tar xf, ./run.sh")


app()
