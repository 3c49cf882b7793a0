"""Which queue a job goes to, which model does it, what is warned of and what is refused."""

from typing import Any

import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.queues import queue_of_model
from funasr_fleet.producer.model_choice import Route, choose, why_refused

HOME: Any = {"queue": "fleet", "model": "paraformer-zh"}
NANO, SENSE, ZH = "FunAudioLLM/Fun-ASR-Nano", "iic/SenseVoiceSmall", "paraformer-zh"
OF_SENSE = "fleet-iic-sensevoicesmall"


@pytest.mark.parametrize(
    ("asked", "serving", "queue", "model", "is_known"),
    [
        # nobody asks for a model: the queue of the settings, and whatever is there
        (None, [], "fleet", ZH, False),
        (None, [("fleet", ZH)], "fleet", ZH, True),
        (None, [("fleet", SENSE)], "fleet", SENSE, True),
        (None, [("fleet", SENSE), ("fleet", NANO)], "fleet", ZH, False),
        (None, [("b", SENSE)], "fleet", ZH, False),
        # it is somewhere
        (SENSE, [("fleet", ZH), ("b", SENSE)], "b", SENSE, True),
        (SENSE, [("c", SENSE), ("b", SENSE)], "b", SENSE, True),
        (SENSE, [("b", SENSE), ("fleet", SENSE)], "fleet", SENSE, True),
        (ZH, [("fleet", ZH)], "fleet", ZH, True),
        (ZH, [("b", ZH)], "b", ZH, True),
        # it is nowhere: in the queue of its own, or of the settings if these name it
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
        (SENSE, [("senses", SENSE)], "senses"),  # restarts, or was scaled to nothing
        (ZH, [("fleet", SENSE)], "fleet-paraformer-zh"),  # whose workers come back
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
        (None, [("fleet", SENSE), ("fleet", ZH)], ["any of them may transcribe", "--model"]),
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
        (
            SENSE,
            [("b", SENSE), ("b", ZH)],
            [f"queue b is also served by {ZH}"],
        ),
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
