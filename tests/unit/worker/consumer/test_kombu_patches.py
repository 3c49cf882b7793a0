"""Changes to Celery and kombu: any element of a queue is read, and only tested versions run."""

import bz2
import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import serialization
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.transport.virtual.base import Base64, Message

from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.consumer import celery_patches
from funasr_fleet.worker.consumer.kombu_patches import (
    KEPT_CHARACTERS,
    REFUSED_HEADER,
    decode_plain_json,
    deliverable,
    is_valid_message,
    read_envelope,
    wrap_invalid,
)
from tests.support.messages import envelope, task_headers

SOUND = envelope(b"[[],{},{}]", task_headers())
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


class Channel:
    """The method of a kombu channel that decodes a body."""

    def decode_body(self, body: str, encoding: str | None) -> Any:
        return Base64().decode(body) if encoding else body


def test_a_valid_message_is_unchanged() -> None:
    assert read_envelope(json.dumps(SOUND)) == SOUND
    assert is_valid_message(SOUND)


@pytest.mark.parametrize("element", [SOUND, [1], {**SOUND, "headers": None}])
def test_a_message_has_a_delivery_tag_of_its_own_and_the_queue_it_came_from(element: Any) -> None:
    first, second = (deliverable(copy.deepcopy(element), "fleet.2") for _ in range(2))
    tags = {one["properties"]["delivery_tag"] for one in (SOUND, first, second)}
    assert len(tags) == 3
    assert first["properties"]["delivery_info"] == {"exchange": "", "routing_key": "fleet.2"}
    assert is_valid_message(first)


@pytest.mark.parametrize("element", [SOUND, [SOUND, "", "fleet"], [[]] * 9])
def test_an_element_that_is_too_large_is_not_parsed(element: Any) -> None:
    text = json.dumps(element) + " " * 2 * MAX_MESSAGE_BYTES
    assert "more than" in read_envelope(text)["headers"][REFUSED_HEADER]


@pytest.mark.parametrize("kind", ["application/data", "application/text", None, "text/plain"])
@pytest.mark.parametrize("encoding", ["bz2", "zlib", "hex", "punycode", "rot13", "no such", 7])
def test_a_body_is_not_decoded_with_a_codec_that_the_message_names(
    kind: object, encoding: object
) -> None:
    body = bz2.compress(bytes(1_000_000))
    element = {**envelope(body, task_headers()), "content-type": kind, "content-encoding": encoding}
    message = Message(deliverable(element, "fleet"), channel=Channel(), accept={"application/json"})
    with pytest.raises((DecodeError, ContentDisallowed), match=r"utf-8|text/plain"):
        message.decode()


@pytest.mark.parametrize("text", ["", "hush", "{", "[" * 100_000, "\udc80"])
def test_invalid_json_becomes_a_message_with_the_reason(text: str) -> None:
    message = read_envelope(text)
    assert is_valid_message(message)
    assert message["headers"] == {REFUSED_HEADER: "not valid JSON"}
    assert message["body"] == text[:KEPT_CHARACTERS]


def test_an_oversized_message_is_not_parsed() -> None:
    message = read_envelope("{" + " " * 2 * MAX_MESSAGE_BYTES)
    assert "more than 33554432 bytes" in message["headers"][REFUSED_HEADER]
    assert len(message["body"]) == KEPT_CHARACTERS


@given(JSON, st.lists(st.sampled_from([*SOUND, *SOUND["properties"]]), min_size=1, max_size=2))
def test_messages_accepted_as_valid_can_be_read_by_kombu(value: Any, fields: list[str]) -> None:
    changed = dict.fromkeys(fields, value)
    inner = {name: changed.pop(name) for name in SOUND["properties"] if name in changed}
    message = {**SOUND, "properties": {**SOUND["properties"], **inner}, **changed}
    if is_valid_message(message):
        Message(message, channel=Channel())


def test_a_wrapped_invalid_element_is_a_valid_message() -> None:
    assert is_valid_message(wrap_invalid("x", "y"))


def test_the_installed_versions_are_those_that_were_tested() -> None:
    celery_patches.check()


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "0" * 16},
        {"name": "kombu.transport.redis:NoSuchClass"},
        {"name": "kombu.no_such_module:QoS"},
    ],
)
def test_upstream_code_that_has_changed_is_rejected(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    first, *others = celery_patches.TARGETS
    target = replace(first, **changed)
    monkeypatch.setattr(celery_patches, "TARGETS", (target, *others))
    with pytest.raises(BadConfiguration, match=f"^the installed code of {target.name} differs"):
        celery_patches.check()


def test_no_value_of_json_becomes_another_type() -> None:
    typed = {"__type__": "decimal", "__value__": "1E+999999999"}
    message = {**SOUND, "headers": task_headers(eta=typed)}
    assert read_envelope(json.dumps(message)) == message
    decode_plain_json()
    body = json.dumps([[typed], {}, {}])
    assert serialization.loads(body, "application/json", "utf-8") == [[typed], {}, {}]


@pytest.mark.parametrize("priority", [float("inf"), float("nan"), "x", None, [9], {}])
def test_a_priority_that_is_not_an_integer_is_removed(priority: Any) -> None:
    message = copy.deepcopy(SOUND)
    message["properties"]["priority"] = priority
    assert "priority" not in deliverable(message, "fleet")["properties"]
    message["properties"]["priority"] = 3
    assert deliverable(message, "fleet")["properties"]["priority"] == 3
