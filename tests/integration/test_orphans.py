"""A child does not outlive its parent."""

import subprocess
import sys
import time

import psutil

PARENT = """
import os, sys, time
from funasr_fleet.worker.process.os_process import kill_on_parent_death
parent = os.getpid()
if os.fork() == 0:
    kill_on_parent_death(parent)
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""
DEADLINE_S = 20.0


def test_a_child_exits_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        give_up = time.monotonic() + DEADLINE_S
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < give_up, "the child is still running"
            time.sleep(0.02)
