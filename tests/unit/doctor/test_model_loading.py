"""`fleet doctor` loads the models of each device in a process of its own."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from funasr_fleet.doctor import Finding, worker
from funasr_fleet.doctor.worker import check_models, load_apart
from funasr_fleet.settings import Settings
from funasr_fleet.worker.process.hardware import SlotPlan

SETTINGS = Settings(model="demo")


def loads_but_on_gpu_1(settings: Settings, plan: SlotPlan) -> Finding:
    return Finding("model", "error" if plan.visible == "1" else "ok", plan.visible)


def test_every_device_is_tried_and_a_failing_one_is_named() -> None:
    found = list(check_models(SETTINGS, ("0", "1", "2"), loads_but_on_gpu_1))
    assert [(one.row, one.verdict, one.told) for one in found] == [
        ("model 0", "ok", "0"),
        ("model 1", "error", "1"),
        ("model 2", "ok", "2"),
    ]


def test_a_device_shared_by_several_children_is_tried_once() -> None:
    found = list(check_models(SETTINGS, ("cpu", "cpu"), loads_but_on_gpu_1))
    assert [one.row for one in found] == ["model"]


def loads_for_an_hour(settings: Settings, plan: SlotPlan) -> NoReturn:
    Path(os.environ["LOADING"]).touch()
    time.sleep(3600)
    raise AssertionError("it was not interrupted")


def test_an_interrupt_ends_the_process_that_loads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loading = tmp_path / "loading"
    monkeypatch.setenv("LOADING", str(loading))
    monkeypatch.setattr(worker, "load_here", loads_for_an_hour)

    def interrupt() -> None:
        while not loading.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        list(check_models(SETTINGS, ("cpu",), load_apart))
    assert not multiprocessing.active_children()


def dies(settings: Settings, plan: SlotPlan) -> NoReturn:
    os._exit(9)


def test_a_process_killed_while_loading_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "load_here", dies)
    (found,) = check_models(SETTINGS, ("cpu",), load_apart)
    assert (found.verdict, found.unreachable) == ("error", True)
    assert "was killed while it loaded" in found.told
