"""What `fleet status` makes of the counts."""

import json

import pytest

from contract.ledger import OUTCOMES, JobCounts
from producer.jobs import JobStatus


def _status(files: int, ok: int) -> JobStatus:
    counts = JobCounts(
        job="night",
        output="s3://out/",
        created_at=1.0,
        published=True,
        files=files,
        audio_ms=61_250,
        outcomes={name: ok if name == "ok" else 0 for name in OUTCOMES},
    )
    return JobStatus(counts=counts, ready_messages=2, unacked_messages=1)


@pytest.mark.parametrize(("files", "ok", "waiting"), [(5, 2, 3), (5, 5, 0), (0, 1, 0)])
def test_what_has_no_outcome_is_waited_for(files: int, ok: int, waiting: int) -> None:
    assert _status(files, ok).waiting == waiting


def test_the_json_document_says_all_of_it() -> None:
    document = json.loads(json.dumps(_status(5, 2).to_json()))
    assert (document["job"], document["files"], document["waiting"]) == ("night", 5, 3)
    assert (document["complete"], document["outcomes"]["ok"]) == (False, 2)
    assert (document["ready_messages"], document["unacked_messages"]) == (2, 1)
