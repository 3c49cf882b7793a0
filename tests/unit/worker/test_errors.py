"""The decision for each kind of error."""

import errno

import pytest

from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.transcript import ErrorKind
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectIncomplete,
    ObjectMissing,
    ObjectTooLarge,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.worker import errors as failures
from funasr_fleet.worker.error_handling import (
    MAX_RETRIES,
    Decision,
    RestartChild,
    Retry,
    SendToDeadLetters,
    Skip,
    decide,
    postpone_reason,
)

FINAL = [
    (MalformedShard("m"), SendToDeadLetters("m")),
    (failures.OutputUnwritable("m"), SendToDeadLetters("m", "access_denied")),
    (failures.OutputRefused("m"), Skip("access_denied", "m")),
    (failures.PoisonShard("m"), SendToDeadLetters("m")),
    (failures.UndecodableAudio("m"), Skip("undecodable_audio", "m")),
    (failures.AudioTooShort("m"), Skip("audio_too_short", "m")),
    (failures.AudioTooLong("m"), Skip("audio_too_long", "m")),
    (ObjectTooLarge("m"), Skip("audio_too_long", "m")),
    (failures.OutOfDeviceMemory("m"), Skip("out_of_memory", "m")),
    (failures.ModelError("m"), Skip("model_error", "m")),
    (ObjectMissing("m"), Skip("audio_missing", "m")),
    (BucketMissing("m"), Skip("audio_missing", "m")),
    (ObjectDenied("m"), Skip("access_denied", "m")),
    (failures.DeviceLost("m"), RestartChild("m")),
    (BrokerUnavailable("m"), RestartChild("m")),
    (MemoryError("m"), RestartChild("m")),
    (ZeroDivisionError("m"), Skip("model_error", "ZeroDivisionError: m")),
    (KeyError("m"), Skip("model_error", "KeyError: 'm'")),
]
PASSING = [StoreUnavailable, CredentialsRefused, StoreError, OSError]


@pytest.mark.parametrize("retries", [0, 1, MAX_RETRIES, MAX_RETRIES + 9])
@pytest.mark.parametrize(("error", "decision"), FINAL)
def test_permanent_errors_are_decided_at_once(
    error: Exception, decision: Decision, retries: int
) -> None:
    assert decide(error, retries) == decision


@pytest.mark.parametrize("error", PASSING)
@pytest.mark.parametrize(("retries", "delay_s"), [(0, 2.0), (1, 4.0), (7, 256.0), (8, 300.0)])
def test_temporary_errors_are_retried_with_backoff(
    error: type[Exception], retries: int, delay_s: float
) -> None:
    assert decide(error("away"), retries) == Retry(delay_s, "away", postpone_reason(error("away")))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (OSError(errno.EIO, "Input/output error"), "local_error"),
        (StoreUnavailable("SlowDown"), "storage_unavailable"),
        (CredentialsRefused("ExpiredToken"), "credentials_refused"),
        (ObjectIncomplete("7 of 9 bytes"), "truncated_audio"),
        (failures.JobLocked("another process is finalizing job night"), "job_locked"),
    ],
)
def test_a_postponed_shard_has_a_reason(error: Exception, reason: str) -> None:
    decision = decide(error, 0)
    assert isinstance(decision, Retry)
    assert decision.reason == reason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreUnavailable("away"), "audio_missing"),
        (StoreError("away"), "audio_missing"),
        (ObjectIncomplete("away"), "audio_missing"),
        (CredentialsRefused("away"), "access_denied"),
        (OSError("away"), "model_error"),
        (OSError(errno.ENOSPC, "away"), "model_error"),
        (failures.JobLocked("away"), "model_error"),
    ],
)
@pytest.mark.parametrize("retries", [MAX_RETRIES, MAX_RETRIES + 1, 5000])
def test_after_the_last_retry_a_dead_letter_has_the_number_of_tries_and_the_kind_of_its_cause(
    error: Exception, kind: ErrorKind, retries: int
) -> None:
    assert decide(error, retries) == SendToDeadLetters(
        f"{error} (tried {retries + 1} times)", kind, is_last_retry=True
    )


def test_an_outage_of_two_hours_loses_no_message() -> None:
    waits = [decide(StoreUnavailable("x"), retries) for retries in range(MAX_RETRIES)]
    assert sum(wait.delay_s for wait in waits if isinstance(wait, Retry)) > 1.9 * 3600


@pytest.mark.parametrize("error", [failures.ModelError(), StoreUnavailable(), RuntimeError()])
def test_an_error_without_a_message_is_named_by_its_class(error: Exception) -> None:
    assert type(error).__name__ in decide(error, 0).message


def test_every_error_of_a_file_has_a_kind_of_its_own() -> None:
    kinds = failures.FileFailure.__subclasses__()
    assert len({kind.kind for kind in kinds}) == len(kinds) == 5
    for kind in kinds:
        assert decide(kind("m"), 0) == Skip(kind.kind, "m")
