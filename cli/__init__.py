"""The `fleet` command: one thin file per subcommand, each importing its side when it runs.

main.py     the application, and what its errors look like
exits.py    exit codes, and which error ends with which
worker.py enqueue.py status.py jobs.py demo.py up.py
"""


def main() -> None:
    """Entry point of the console script."""
    from cli.main import run

    run()
