"""Celery's pool starts every message after its children were killed and the broker was lost."""

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def outcome(*flags: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.pool_of_two", *flags],
        stdout=subprocess.PIPE,
        timeout=180,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("flags", "done"),
    [
        # when this case gives 2, Celery is fixed: remove forget_replaced_pipes
        pytest.param((), 1, id="unpatched Celery"),
        pytest.param(("--forget",), 2, id="replaced pipes are forgotten"),
    ],
)
def test_the_parent_does_not_read_a_message_meant_for_its_child(
    flags: tuple[str, ...], done: int
) -> None:
    assert outcome(*flags) == {"same_number": True, "done": done}
