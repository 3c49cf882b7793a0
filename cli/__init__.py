"""The `fleet` command: one thin file per subcommand, each importing its side when it runs.

main.py     the application, and what its errors look like
exits.py    exit codes, and which error ends with which
worker.py enqueue.py transcribe.py status.py failures.py retry.py cancel.py reconcile.py report.py
jobs.py evaluate.py dead.py exporter.py doctor.py demo.py up.py
enqueue_options.py      the options of `fleet enqueue`, each with its help
publishing_progress.py  how far `fleet enqueue` has come
status_view.py  what `fleet status` shows
watching.py  `fleet status --watch`
dry_run.py  what `fleet enqueue --dry-run` prints
"""


def main() -> None:
    """Entry point of the console script."""
    from cli.main import run

    run()
