"""The `fleet` command: one thin module per subcommand, which imports its dependencies when it runs.

main.py                 the application, and how errors are printed
exits.py                exit codes, and the exit code of each error
help_sections.py        help in named sections
enqueue_options.py      the options of `fleet enqueue`, each with its help
publishing_progress.py  the progress line of `fleet enqueue`
dry_run.py              the output of `fleet enqueue --dry-run`
status_view.py          the output of `fleet status`
watching.py             `fleet status --watch`

Subcommands:

worker.py enqueue.py transcribe.py status.py failures.py retry.py cancel.py reconcile.py report.py
jobs.py evaluate.py dead.py exporter.py doctor.py demo.py up.py
"""


def main() -> None:
    """Entry point of the console script."""
    from funasr_fleet.cli.main import run

    run()
