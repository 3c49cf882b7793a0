"""Python callers get the same checks of arguments as the command line."""

from collections.abc import Callable
from typing import Any, cast

import pytest

import funasr_fleet
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.producer.api import enqueue
from funasr_fleet.producer.errors import BadArgument
from funasr_fleet.producer.estimate.estimate import estimate_sources
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.producer.planning.request import JobRequest
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/"
LONG = f"s3://out/{'a' * 650}/"
STORE = MemoryStore("out")


def _enqueue(sources: Any = ("s3://in/",), output: str = OUTPUT, **given: Any) -> Any:
    return enqueue(sources, output=output, store=STORE, **given)


def _estimate(**given: Any) -> Any:
    request = JobRequest(sources=("s3://in/",), output=OUTPUT)
    return estimate_sources(request, STORE, **given)


def _evaluate(**given: Any) -> Any:
    return funasr_fleet.evaluate("-", **{"output": OUTPUT, "store": STORE, **given})


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        (_enqueue, {"priority": 10}, "priority must be a whole number from 0 to 9, not 10"),
        (_enqueue, {"priority": -1}, "priority must be a whole number from 0 to 9, not -1"),
        (_enqueue, {"priority": 4.0}, "priority must be a whole number from 0 to 9, not 4.0"),
        (_enqueue, {"priority": True}, "priority must be a whole number from 0 to 9, not True"),
        (_enqueue, {"priority": "9"}, "priority must be a whole number from 0 to 9, not '9'"),
        (_enqueue, {"priority": None}, "priority must be a whole number from 0 to 9, not None"),
        (_enqueue, {"limits": ShardLimits(files=cast(int, None))}, "limits.files must be a whole"),
        (_enqueue, {"limits": ShardLimits(seconds=cast(float, None))}, "limits.seconds must be a"),
        (_estimate, {"gpus": None}, "gpus must be a whole number of at least 1, not None"),
        (_enqueue, {"limit": 0}, "limit must be a whole number of at least 1, not 0"),
        (_enqueue, {"max_ready": 0}, "max_ready must be a whole number of at least 1, not 0"),
        (_enqueue, {"limits": ShardLimits(seconds=0)}, "limits.seconds must be a number of at"),
        (_enqueue, {"limits": ShardLimits(files=0)}, "limits.files must be a whole number of"),
        (_enqueue, {"sources": "s3://in/"}, "sources must be a list with at least one source"),
        (_enqueue, {"sources": []}, "sources must be a list with at least one source"),
        (_enqueue, {"output": "s3://out"}, "output s3://out must be s3://bucket/prefix/"),
        (_enqueue, {"output": LONG}, f"output {LONG} must have a prefix of at most 650 bytes"),
        (_enqueue, {"upload": "s3://in"}, "upload s3://in must be s3://bucket/prefix/"),
        (_estimate, {"gpus": 0}, "gpus must be a whole number of at least 1, not 0"),
        (_estimate, {"rtfx": 0}, "rtfx must be a number of at least 0.001, not 0"),
        (_estimate, {"rtfx": float("nan")}, "rtfx must be a number of at least 0.001, not nan"),
        (_estimate, {"gpu_hour_price": -1}, "gpu_hour_price must be a number of at least 0"),
        (_evaluate, {"output": "s3://out"}, "output s3://out must be s3://bucket/prefix/"),
        (_evaluate, {"metric": "ter"}, "metric must be one of auto, wer, cer, not 'ter'"),
        (funasr_fleet.close, {"job": "x", "files": 0}, "files must be a whole number from 1 to"),
        (funasr_fleet.close, {"job": "x", "files": 10**12}, "files must be a whole number from 1"),
        (funasr_fleet.close, {"job": "x", "files": True}, "files must be a whole number from 1"),
        (funasr_fleet.close, {"job": "x", "output": "out"}, "output out must be s3://bucket"),
        (funasr_fleet.close, {"job": "x", "output": ""}, "output  must be s3://bucket"),
        (funasr_fleet.status, {"job": "x", "gpu_hour_price": -1}, "gpu_hour_price must be"),
        (funasr_fleet.list_dead, {"limit": 0}, "limit must be a whole number of at least 1"),
        *(
            (funasr_fleet.transcribe, {"audio": "a.wav", "timeout_s": s}, "timeout_s must be a num")
            for s in (-1, None)
        ),
    ],
)
def test_an_invalid_argument_is_refused_before_any_service_is_used(
    call: Callable[..., Any], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadArgument) as caught:
        call(**given)
    assert str(caught.value).startswith(said)
    assert exit_for(caught.value) is Exit.WRONG_USAGE
