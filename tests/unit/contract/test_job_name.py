"""One rule for names of jobs, wherever they come from."""

from typing import Any

import pytest

from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.layout import BadJobName, check_job_name
from tests.support.examples import a_shard

GOOD = ["j", "job-20261122-0007", "A.b_c-9", "x" * 150, ".", ".."]
BAD = ["", "j3:failed", "a b", "a/b", "夜班", "x" * 151, "a\n", "a\x1b[2J", "\ud800", "*"]


@pytest.mark.parametrize("name", GOOD)
def test_a_job_name_is_accepted_by_message_and_ledger(name: str) -> None:
    assert check_job_name(name) == name
    assert a_shard("s3://in/a.wav", job=name).job == name
    assert Keys("p:").job(name, "failed") == f"p:fleet:job:{name}:failed"


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_rejected_by_message_and_ledger(name: str) -> None:
    with pytest.raises(BadJobName, match="is not a job name") as caught:
        check_job_name(name)
    assert str(caught.value).isascii()
    document: dict[str, Any] = a_shard("s3://in/a.wav").to_message()
    with pytest.raises(MalformedShard, match="job: "):
        type(a_shard("s3://in/a.wav")).from_message({**document, "job": name})
    with pytest.raises(BadJobName):
        Keys().job(name, "failed")


def test_no_job_s_key_is_part_of_another_job_s() -> None:
    jobs = [Keys().all_of(name) for name in GOOD]
    assert len({key for keys in jobs for key in keys}) == sum(map(len, jobs))
