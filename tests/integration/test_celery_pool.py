"""Celery's pool, whose children were killed before the broker was lost, starts every message."""

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
        # when this one gives 2, Celery is mended: remove forget_replaced_pipes
        pytest.param((), 1, id="as Celery is"),
        pytest.param(("--forget",), 2, id="when replaced pipes are forgotten"),
    ],
)
def test_a_message_is_not_read_by_the_parent_in_place_of_its_child(
    flags: tuple[str, ...], done: int
) -> None:
    assert outcome(*flags) == {"same_number": True, "done": done}
