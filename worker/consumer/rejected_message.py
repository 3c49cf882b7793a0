"""The dead letter of a message that no child has received."""

import json
import uuid
from typing import Any

from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.broker.message_size import check_message_size, check_structure
from funasr_fleet.contract.layout import check_job_name
from funasr_fleet.contract.queues import TASK
from funasr_fleet.contract.transcript import utc_now
from funasr_fleet.worker.consumer.kombu_patches import KEPT_CHARACTERS, REFUSED_HEADER

_MAX_REASON_CHARS = 300
"""A reason may quote a part of the message."""
_MAX_SHARD_CHARS = 20_000_000
"""Shards of `fleet enqueue` have at most 8 MiB in UTF-8, of which JSON may make twice as much."""


def make_dead_letter(message: Any, reason: str, worker: str) -> DeadLetter:
    """Make the dead letter of a message that no child has received.

    It holds the whole shard, so that it can be requeued, or the start of a body that is not one or
    is larger than _MAX_SHARD_CHARS.
    """
    body = message.body or b""
    text = body if isinstance(body, str) else body.decode("utf-8", "backslashreplace")
    reason = str(message.headers.get(REFUSED_HEADER) or reason)
    return DeadLetter(
        message_id=_encodable(_message_id(message)),
        reason=_encodable(reason)[:_MAX_REASON_CHARS],
        document=_shard_of(message)
        or {
            "body": text[:KEPT_CHARACTERS],
            "bytes": len(body),
            "content_type": str(message.content_type)[:100],
            "compression": str(message.headers.get("compression"))[:100],
            **_job_of(message),
        },
        worker=worker,
        at=utc_now(),
    )


def _shard_of(message: Any) -> dict[str, Any] | None:
    """The shard in a message of which something else is invalid, such as its ETA.

    Only its shape is checked: validating its files here would stop the renewal of leases.
    """
    try:
        check_message_size(len(message.body or b""))
        check_structure(message.payload)
        document: dict[str, Any] = message.payload[0][0]
        kinds = {"shard": str, "output": str, "files": list}
        is_shard = all(isinstance(document[name], kind) for name, kind in kinds.items())
        is_small = len(json.dumps(document)) <= _MAX_SHARD_CHARS
    except Exception:
        return None
    return document if is_shard and is_small and message.headers.get("task") == TASK else None


def _job_of(message: Any) -> dict[str, str]:
    """The job that the message names, for its dead letter; empty if it cannot be read."""
    try:
        check_message_size(len(message.body or b""))
        return {"job": check_job_name(message.payload[0][0]["job"])}
    except Exception:
        return {}


def _message_id(message: Any) -> str:
    for name in (message.headers.get("id"), message.properties.get("correlation_id")):
        if isinstance(name, str) and name:
            return name[:200]
    return str(message.delivery_tag or uuid.uuid4())


def _encodable(text: str) -> str:
    """Escape lone surrogates, which have no UTF-8 encoding; Redis and JSON parsers reject them."""
    return text.encode("utf-8", "backslashreplace").decode()
