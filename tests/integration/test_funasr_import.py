"""Imported on demand, FunASR has the same classes as with all of its modules imported."""

import json
import subprocess
import sys
from typing import Any

import pytest

_CLASSES = """
import json, sys
import funasr
from funasr.register import tables

asked = json.loads(sys.argv[1])
found = {**vars(type(tables)), **vars(tables)}
names = asked or {name: list(found[name]) for name in found if name.endswith("_classes")}
begun = [name for name in sys.modules if name.startswith("funasr.")]


def found_in(table, name):
    found = getattr(tables, table).get(name)
    return found and f"{found.__module__}.{found.__qualname__}"


classes = {
    table: {name: found_in(table, name) for name in sorted(names[table])}
    for table in sorted(names)
}
print(json.dumps({"begun": len(begun), "classes": classes}))
"""
_ON_DEMAND = "import funasr_fleet.worker.engine\n" + _CLASSES


def _run(script: str, asked: object = None) -> dict[str, Any]:
    arguments = [sys.executable, "-c", script, json.dumps(asked)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_every_name_has_the_class_that_funasr_gives_it() -> None:
    all_at_once = _run(_CLASSES)
    on_demand = _run(_ON_DEMAND, all_at_once["classes"])
    assert on_demand["classes"] == all_at_once["classes"]
    assert all_at_once["begun"] > 300
    assert on_demand["begun"] < 10


@pytest.mark.slow
def test_a_name_that_is_in_no_decorator_is_searched_in_all_modules() -> None:
    computed = "OpenMOSS-Team/MOSS-Transcribe-Diarize"
    found = _run(_ON_DEMAND, {"model_classes": ["no such class", computed]})["classes"]
    assert found["model_classes"]["no such class"] is None
    assert found["model_classes"][computed].endswith(".MossTranscribeDiarize")
