"""Names of jobs, when two commands are the same job, and the queue and model of a job."""

import re
from typing import Any

import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.queues import queue_of_model
from funasr_fleet.producer.api import new_job_name
from funasr_fleet.producer.model_choice import Route, choose, why_refused, with_warnings
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.producer.planning.request import (
    JobRequest,
    read_request,
    read_start_time,
    write_request,
)
from tests.support.memory_store import MemoryStore


def test_jobs_started_in_the_same_second_have_different_names() -> None:
    names = {new_job_name() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"job-\d{8}-\d{6}-[0-9a-f]{6}", name) for name in names)


def a_request(**fields: Any) -> JobRequest:
    return JobRequest(**{"sources": ("s3://in/",), "output": "s3://out/", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"sources": ("s3://in/", "s3://other/")},
        {"output": "s3://out/x/"},
        {"options": Options(language="zh")},
        {"overwrite": True},
        {"limit": 7},
        {"since": 1.5},
        {"suffixes": ("wav",)},
        {"limits": ShardLimits(files=7)},
        {"model": "demo"},
        {"options": Options(itn=False)},
    ],
)
def test_another_command_is_another_request(fields: dict[str, Any]) -> None:
    assert a_request().digest == a_request().digest
    assert a_request(**fields).digest != a_request().digest


def test_a_request_survives_s3_unchanged() -> None:
    store = MemoryStore("out")
    request = a_request(
        options=Options(formats=("json", "srt"), hotwords=("nine",)),
        limits=ShardLimits(seconds=10),
        suffixes=("wav",),
        model="demo",
    )
    assert read_request(store, "s3://out/", "night") is None
    write_request(store, "night", request, "2026-11-22T12:00:00Z")
    again = read_request(store, "s3://out/", "night")
    assert again == request
    assert again.digest == request.digest
    assert read_start_time(store, "s3://out/", "night") == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("fields", "digest"),
    [
        ({}, "22d933bd16b1150cd77ddd48bfd53db413bab59a8ad65c1064820b2cefa8da7a"),
        (
            {
                "options": Options(formats=("json", "srt"), language="zh", hotwords=("nine",)),
                "limit": 7,
            },
            "34f1d795aafb87967514b0da8742a1633019e34bd3137c588b0ec78237f6ec25",
        ),
    ],
)
def test_jobs_of_the_first_release_can_be_resumed(fields: dict[str, Any], digest: str) -> None:
    assert a_request(**fields).digest == digest


HOME: Any = {"queue": "fleet", "model": "paraformer-zh"}
NANO, SENSE, ZH = "FunAudioLLM/Fun-ASR-Nano", "iic/SenseVoiceSmall", "paraformer-zh"
OF_SENSE = "fleet-iic-sensevoicesmall"


@pytest.mark.parametrize(
    ("asked", "serving", "queue", "model", "is_known"),
    [
        # no model requested: the queue of the settings and the model that it serves
        (None, [], "fleet", ZH, False),
        (None, [("fleet", ZH)], "fleet", ZH, True),
        (None, [("fleet", SENSE)], "fleet", SENSE, True),
        (None, [("fleet", SENSE), ("fleet", NANO)], "fleet", ZH, False),
        (None, [("b", SENSE)], "fleet", ZH, False),
        # the model is served by a queue
        (SENSE, [("fleet", ZH), ("b", SENSE)], "b", SENSE, True),
        (SENSE, [("c", SENSE), ("b", SENSE)], "b", SENSE, True),
        (SENSE, [("b", SENSE), ("fleet", SENSE)], "fleet", SENSE, True),
        (ZH, [("fleet", ZH)], "fleet", ZH, True),
        (ZH, [("b", ZH)], "b", ZH, True),
        # not served: its own queue, or that of the settings if they name the model
        (SENSE, [], OF_SENSE, SENSE, True),
        (SENSE, [("fleet", ZH)], OF_SENSE, SENSE, True),
        (ZH, [], "fleet", ZH, True),
        (ZH, [("b", SENSE)], "fleet", ZH, True),
        (ZH, [("fleet", SENSE)], "fleet-paraformer-zh", ZH, True),
    ],
)
def test_a_job_goes_where_its_model_is(
    asked: str | None, serving: list[tuple[str, str]], queue: str, model: str, is_known: bool
) -> None:
    found = choose(asked, active=serving, **HOME)
    assert (found.queue, found.model, found.is_known) == (queue, model, is_known)


@pytest.mark.parametrize(
    ("asked", "remembered", "queue"),
    [
        (SENSE, [("senses", SENSE)], "senses"),  # its workers restart, or are scaled to zero
        (ZH, [("fleet", SENSE)], "fleet-paraformer-zh"),  # `fleet` belongs to SENSE
        (ZH, [("fleet", ZH), ("b", SENSE)], "fleet"),
        (None, [("senses", SENSE)], "fleet"),
    ],
)
def test_recently_seen_workers_still_determine_the_queue(
    asked: str | None, remembered: list[tuple[str, str]], queue: str
) -> None:
    found = choose(asked, active=[], recent=remembered, **HOME)
    assert (found.queue, found.served) == (queue, False)
    assert "now" in found.warnings[0]


def test_a_resumed_job_stays_in_its_queue() -> None:
    found = choose(SENSE, active=[("b", SENSE)], current_queue="a", **HOME)
    assert (found.queue, found.model) == ("a", SENSE)
    assert f"no worker serves {SENSE} now" in found.warnings[0]


@pytest.mark.parametrize(
    ("asked", "serving", "phrases"),
    [
        (None, [("fleet", SENSE)], None),
        (
            None,
            [("fleet", SENSE), ("fleet", ZH)],
            ["any of them may transcribe", "specify the model"],
        ),
        (None, [("b", ZH)], ["no worker serves queue fleet now", "fleet worker --queue fleet"]),
        (SENSE, [("b", SENSE)], None),
        (
            SENSE,
            [("b", ZH)],
            [
                f"no worker serves {SENSE} now; the job waits in queue {OF_SENSE} until one is ",
                f"FLEET_MODEL={SENSE} fleet worker --queue {OF_SENSE}",
            ],
        ),
        (SENSE, [("b", SENSE), ("b", ZH)], [f"queue b is also served by {ZH}"]),
        (
            SENSE,
            [(OF_SENSE, NANO), (OF_SENSE, ZH)],
            [f"now served by {NANO} and {ZH}", f"instead of {SENSE}", f"FLEET_MODEL={SENSE}"],
        ),
    ],
)
def test_a_questionable_route_has_one_warning(
    asked: str | None, serving: list[tuple[str, str]], phrases: list[str] | None
) -> None:
    warnings = choose(asked, active=serving, **HOME).warnings
    assert len(warnings) == (0 if phrases is None else 1)
    for phrase in phrases or ():
        assert phrase in warnings[0]
        assert "\n" not in warnings[0]


def test_the_suggested_command_is_quoted_for_a_shell() -> None:
    (warning,) = choose("/models/my own", active=[], **HOME).warnings
    queue = queue_of_model("/models/my own")
    assert warning.endswith(f"FLEET_MODEL='/models/my own' fleet worker --queue {queue}")


CAN_HOTWORDS = Abilities(hotwords=True)
WORDS = Options(hotwords=("nine",))


@pytest.mark.parametrize(
    ("served", "can", "options", "phrases"),
    [
        (True, CAN_HOTWORDS, WORDS, None),
        (True, Abilities(), Options(), None),
        (True, None, WORDS, None),
        (False, Abilities(), WORDS, None),
        (True, Abilities(), WORDS, [SENSE, "does not support hotwords", "leave them out"]),
        (
            True,
            Abilities(),
            Options(hotwords=("nine",), speakers=True),
            ["does not support hotwords", "; it does not distinguish speakers"],
        ),
    ],
)
def test_only_options_known_to_be_unsupported_are_rejected(
    served: bool, can: Abilities | None, options: Options, phrases: list[str] | None
) -> None:
    choice = Route(queue="b", model=SENSE, is_known=True, served=served)
    why = why_refused(choice, can, options)
    assert (why is None) == (phrases is None)
    for phrase in phrases or ():
        assert phrase in (why or "")


@pytest.mark.parametrize(
    ("served", "can", "options", "count"),
    [
        (True, Abilities(), Options(language="fr"), 1),
        (True, Abilities(), Options(), 0),
        (True, Abilities(languages=("fr",)), Options(language="fr"), 0),
        (False, Abilities(), Options(language="fr"), 0),
        (True, None, Options(language="fr"), 0),
    ],
)
def test_an_option_known_to_be_ignored_is_a_warning(
    served: bool, can: Abilities | None, options: Options, count: int
) -> None:
    choice = Route(queue="b", model="demo", is_known=True, served=served, warnings=("alone",))
    warnings = with_warnings(choice, can, options).warnings
    assert warnings[0] == "alone"
    assert len(warnings) == 1 + count
