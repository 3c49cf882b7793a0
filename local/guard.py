"""Run a command until it ends, or until the owner of our standard input is gone.

The owner keeps the other end of the pipe open and never writes. When it closes the pipe, or
dies in any way, SIGKILL included, we read the end of the file and stop the command: SIGTERM to
it, then SIGKILL to all that is left of its group, at the latest after the grace period.

    python -m local.guard GRACE_SECONDS COMMAND [ARGUMENT...]
"""

import os
import signal
import subprocess
import sys
import threading


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # all of it is gone already


def _stop_when_orphaned(process: "subprocess.Popen[bytes]", grace_s: float) -> None:
    while os.read(0, 1):
        pass
    process.terminate()  # the leader alone: its children have work in hand
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code, 128 + signal when a signal ended it."""
    grace_s, command = float(arguments[0]), arguments[1:]
    process = subprocess.Popen(  # noqa: S603 - the command is our owner's
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the owner's end of the pipe counts
    threading.Thread(target=_stop_when_orphaned, args=(process, grace_s), daemon=True).start()
    code = process.wait()
    _signal_group(process, signal.SIGKILL)  # children that outlived their parent
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
