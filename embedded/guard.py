"""Runs a command until it exits, or until the process that owns our standard input exits.

The owner keeps the other end of the pipe open and never writes. When it closes the pipe or is
killed, even by SIGKILL, we read end-of-file and stop the command: first SIGTERM to it, then
SIGKILL to its whole process group, at the latest after the grace period.

    python -m funasr_fleet.embedded.guard GRACE_SECONDS COMMAND [ARGUMENT...]
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
        return  # the whole group has exited already


def _stop_when_orphaned(process: "subprocess.Popen[bytes]", grace_s: float) -> None:
    while os.read(0, 1):
        pass
    process.terminate()  # only the leader: its children may have work in progress
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code, or 128 + signal number if a signal killed it."""
    grace_s, command = float(arguments[0]), arguments[1:]
    process = subprocess.Popen(  # noqa: S603 - the command is our owner's
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only closing the pipe stops the command
    threading.Thread(target=_stop_when_orphaned, args=(process, grace_s), daemon=True).start()
    code = process.wait()
    _signal_group(process, signal.SIGKILL)  # children that outlived their parent
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
