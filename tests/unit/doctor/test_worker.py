"""Each device is tried, as its child would be."""

import os
from typing import NoReturn

import pytest

from funasr_fleet.doctor import Finding, worker
from funasr_fleet.doctor.worker import check_models, load_apart
from funasr_fleet.settings import Settings
from funasr_fleet.worker.process.hardware import SlotPlan

SETTINGS = Settings(model="demo")


def loads_but_on_gpu_1(settings: Settings, plan: SlotPlan) -> Finding:
    return Finding("model", "error" if plan.visible == "1" else "ok", plan.visible)


def test_a_device_on_which_the_model_does_not_load_is_found_wherever_it_is() -> None:
    found = list(check_models(SETTINGS, ("0", "1", "2"), loads_but_on_gpu_1))
    assert [(one.row, one.verdict, one.told) for one in found] == [
        ("model 0", "ok", "0"),
        ("model 1", "error", "1"),
        ("model 2", "ok", "2"),
    ]


def test_what_several_children_share_is_tried_once() -> None:
    found = list(check_models(SETTINGS, ("cpu", "cpu"), loads_but_on_gpu_1))
    assert [one.row for one in found] == ["model"]


def dies(settings: Settings, plan: SlotPlan) -> NoReturn:
    os._exit(9)


def test_a_process_that_is_killed_while_it_loads_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "load_here", dies)
    (found,) = check_models(SETTINGS, ("cpu",), load_apart)
    assert (found.verdict, found.unreachable) == ("error", True)
    assert "was killed while it loaded" in found.told
