"""Which error ends a command with which code."""

import pytest

from funasr_fleet.cli.exits import Exit, WrongUsage, exit_for
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.embedded.process import StartFailed
from funasr_fleet.producer.discovery import BadSource
from funasr_fleet.producer.errors import NoSuchJob
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    StoreUnavailable,
)


def test_the_codes_are_those_of_the_interface() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "SOME_FAILED": 1,
        "WRONG_USAGE": 2,
        "UNREACHABLE": 3,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUsage(), 2),
        (BadConfiguration(), 2),
        (BadSource(), 2),
        (NoSuchJob(), 2),
        (BucketMissing(), 2),
        (CredentialsRefused(), 2),
        (ObjectDenied(), 2),
        (BrokerUnavailable(), 3),
        (StoreUnavailable(), 3),
        (StartFailed(), 3),
        (ValueError(), None),
        (RuntimeError(), None),
    ],
)
def test_an_error_with_a_name_has_a_code_and_a_bug_has_none(
    error: Exception, code: int | None
) -> None:
    assert exit_for(error) == code
