"""The `fleet` command: one thin function per subcommand, which imports what it needs when it runs.

main         the application, its help in sections, and how errors are printed
terminal     all output: text of others cannot control the terminal
interrupts   SIGINT and SIGTERM: cleanup, then exit code 130
options      the options of `fleet enqueue`, and those that several commands share
exits        exit codes, the exit code of each error, invalid rows and ignored files on stderr
dry_run      the output of `fleet enqueue --dry-run`
status_view  the output of `fleet status`
watching     `fleet status --watch`

Subcommands:

enqueue, transcribe, doctor, dead, failures: one module for each command
run          `fleet demo`, `up`, `worker` and `exporter`
jobs         `fleet jobs`, `status`, `retry`, `cancel`, `close` and `reconcile`
results      `fleet report` and `evaluate`
"""


def main() -> None:
    """Entry point of the console script."""
    from funasr_fleet.cli.interrupts import run_interruptible

    run_interruptible(_run)


def _run() -> None:
    from funasr_fleet.cli.main import run

    run()
