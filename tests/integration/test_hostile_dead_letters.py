"""Dead letters of hostile messages, and those that another client of Redis has changed."""

import base64
import json
import random
import tracemalloc
import weakref
import zlib
from typing import Any

import pytest

import funasr_fleet.broker.dead_letters as dead_letters_module
from funasr_fleet import drop_dead, list_dead, requeue_dead
from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings
from tests.integration.test_dead_letters import dead_letter, shard


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    return separate_fleet


def test_the_newest_dead_letters_that_are_not_shards_are_kept(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters_module, "UNREADABLE_KEPT", 3)
    for number in range(4):
        dead_letters.put(dead_letter(f"shard{number}", shard("s", "s3://out/")))
    for number in range(5):
        dead_letters.put(dead_letter(f"odd{number}", {"body": "x", "job": "night"}))
    dead_letters.put(dead_letter("odd3", shard("s", "s3://out/")))
    dead_letters.put(dead_letter("odd5", {"body": "x"}))
    kept = {"shard0", "shard1", "shard2", "shard3", "odd2", "odd3", "odd4", "odd5"}
    assert {one.message_id for one in dead_letters.all()} == kept
    assert dead_letters.count_of("night") == 2
    assert dead_letters.drop(["odd2", "odd4"]) == 2
    for number in (6, 7):
        dead_letters.put(dead_letter(f"odd{number}", {"body": "x"}))
    assert {"odd5", "odd6", "odd7"} <= {one.message_id for one in dead_letters.all()}


def test_a_message_that_is_not_a_shard_does_not_replace_one(dead_letters: DeadLetters) -> None:
    own = dead_letter("night-00000-0007", shard("s", "s3://out/"))
    dead_letters.put(own)
    dead_letters.put(dead_letter("night-00000-0007", {"body": "x"}))
    (other,) = [one for one in dead_letters.all() if one != own]
    assert other.message_id.startswith("night-00000-0007.")
    assert other.document == {"body": "x"}


@pytest.mark.parametrize(
    "document", [{"files": []}, shard("s", "s3://elsewhere/"), shard("other", "s3://out/")]
)
def test_another_shard_does_not_replace_a_dead_letter(
    settings: Settings, dead_letters: DeadLetters, document: dict[str, Any]
) -> None:
    own = dead_letter("night-00000-0007", shard("s", "s3://out/"))
    dead_letters.put(own)
    for _ in range(2):
        dead_letters.put(dead_letter("night-00000-0007", document))
    (other,) = [one for one in dead_letters.all() if one != own]
    assert other.document == document
    again = own.model_copy(update={"reason": "again"})
    dead_letters.put(again)
    assert {one.reason for one in dead_letters.take([own.message_id])} == {"again"}
    assert dead_letters.drop([own.message_id, other.message_id]) == 2
    dead_letters.put(dead_letter("night-00000-0007", document))
    assert [one.message_id for one in dead_letters.all()] == ["night-00000-0007"]


def test_another_shard_does_not_replace_a_dead_letter_of_an_earlier_release(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    own = dead_letter("m", shard("s", "s3://out/"))
    client: Any = connect(settings)
    client.hset(f"{settings.key_prefix}fleet:dead", "m", own.model_dump_json())
    dead_letters.put(dead_letter("m", {"files": []}))
    assert own in dead_letters.all()
    assert dead_letters.count() == 2


@pytest.mark.parametrize("job", ["x" * 10_000_000, "a:b", "", 7, ["night"]])
def test_an_invalid_job_name_is_not_the_job_of_a_dead_letter(
    settings: Settings, dead_letters: DeadLetters, job: Any
) -> None:
    dead_letters.put(dead_letter("first", {"body": "x", "job": job}))
    dead_letters.put(dead_letter("second", {**shard("s", "s3://out/"), "job": job}))
    client: Any = connect(settings)
    assert client.hlen(f"{settings.key_prefix}fleet:dead:jobs") == 0
    assert client.memory_usage(f"{settings.key_prefix}fleet:dead") < 100_000
    assert {one.job for one in dead_letters.all()} == {None}


def test_a_large_dead_letter_is_compressed(settings: Settings, dead_letters: DeadLetters) -> None:
    document = {**shard("s", "s3://out/"), "padding": "x" * 10_000_000, "odd": "\ud800"}
    dead_letters.put(dead_letter("large", document))
    client: Any = connect(settings)
    assert client.memory_usage(f"{settings.key_prefix}fleet:dead") < 100_000
    (found,) = dead_letters.all()
    assert found == dead_letter("large", document)
    dead_letters.remove([found])
    assert dead_letters.count() == 0


def test_large_dead_letters_are_parsed_one_at_a_time(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    for number in range(20):
        document = {"shard": "s", "output": "s3://out/", "files": [{}] * 100_000}
        dead_letters.put(dead_letter(f"m{number}", document))
    tracemalloc.start()
    found = list_dead(limit=1, settings=settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.total, len(found.letters)) == (20, 1)
    assert peak < 60_000_000  # one takes 8 MB


def test_a_document_with_a_lone_surrogate_is_stored(dead_letters: DeadLetters) -> None:
    """A message may be any JSON; a worker must be able to dead-letter all of it."""
    dead_letters.put(dead_letter("half", {"shard": "\ud800"}))
    assert dead_letters.all() == [dead_letter("half", {"shard": "\ud800"})]


def test_a_long_message_that_is_no_shard_keeps_its_beginning(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    noise = base64.b64encode(random.Random(1).randbytes(1_000_000)).decode()
    for number, document in enumerate(({"pad": noise}, {"body": "\U0001f600" * 2000, "job": "j"})):
        dead_letters.put(dead_letter(f"m{number}", document))
    client: Any = connect(settings)
    assert client.memory_usage(f"{settings.key_prefix}fleet:dead") < 20_000
    assert dead_letters.count_of("j") == 1
    assert [one.job for one in dead_letters.take(["m0", "m1"])] == [None, "j"]
    (found,) = dead_letters.take(["m0"])
    assert noise[:3000] in found.document["beginning"]


CHANGED = ("garbage", "[]", '{"reason": 5}', '{"zlib": "AAAA"}', "7", "[" * 9999)


@pytest.mark.parametrize("value", CHANGED, ids=range(len(CHANGED)))
def test_a_dead_letter_that_another_client_has_changed_is_listed_and_dropped(
    settings: Settings, dead_letters: DeadLetters, value: str
) -> None:
    dead_letters.put(dead_letter("good", shard("s", "s3://out/")))
    client: Any = connect(settings)
    client.hset(f"{settings.key_prefix}fleet:dead", "bad", value)
    found = {one.message_id: one.reason for one in list_dead(settings=settings).letters}
    assert "cannot be read" in found["bad"]
    assert found.keys() == {"good", "bad"}
    assert requeue_dead(ids=["bad"], settings=settings).refused == 1
    assert drop_dead(ids=["bad"], settings=settings).dropped == 1
    assert dead_letters.count() == 1


def test_a_dead_letter_has_the_id_of_its_field(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    dead_letters.put(dead_letter("victim", {}))
    client: Any = connect(settings)
    copy = client.hget(f"{settings.key_prefix}fleet:dead", "victim")
    client.hset(f"{settings.key_prefix}fleet:dead", "bad", copy)
    assert drop_dead(ids=["bad"], settings=settings).dropped == 1
    assert [one.message_id for one in dead_letters.all()] == ["victim"]


def test_a_dead_letter_that_decompresses_without_end_is_not_read(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    bomb = base64.b64encode(zlib.compress(bytes(300 << 20))).decode()
    client: Any = connect(settings)
    client.hset(f"{settings.key_prefix}fleet:dead", "bad", json.dumps({"zlib": bomb}))
    (found,) = dead_letters.all()
    assert "cannot be read" in found.reason


@pytest.mark.parametrize("is_by_id", [False, True])
def test_requeue_holds_one_document_at_a_time(
    settings: Settings,
    dead_letters: DeadLetters,
    monkeypatch: pytest.MonkeyPatch,
    is_by_id: bool,
) -> None:
    names = [f"m{number}" for number in range(20)]
    for name in names:
        dead_letters.put(dead_letter(name, shard(name, "s3://out/")))
    parsed: list[weakref.ref[DeadLetter]] = []
    held: list[int] = []
    parse = dead_letters_module._read

    def counted(stored: tuple[str, str]) -> DeadLetter:
        letter = parse(stored)
        parsed.append(weakref.ref(letter))
        held.append(sum(one() is not None for one in parsed))
        return letter

    monkeypatch.setattr(dead_letters_module, "_read", counted)
    ids = [*names, "none"] if is_by_id else []
    result = requeue_dead(ids=ids, everything=not is_by_id, settings=settings)
    assert (result.requeued, result.refused) == (20, len(ids) - 20 if is_by_id else 0)
    assert max(held) <= 3  # a document, and its parsed copies in a page and in Redis
