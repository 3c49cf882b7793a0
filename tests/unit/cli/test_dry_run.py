"""The printed estimate states the basis of each number."""

import json
from typing import Any

import pytest

from funasr_fleet.cli.dry_run import print_dry_run, to_text
from funasr_fleet.producer.estimate.cost import Span
from tests.support.estimates import a_dry_run


def test_the_estimate_has_files_hours_and_time() -> None:
    text = to_text(a_dry_run())
    for part in (
        "10,000,000, 5.0 TiB",
        "100,000 (95,000 to 105,000) hours",
        "60 of 64 sampled headers",
        "mp3 16,000, wav 15,980 (measured)",
        "12 h 30 min (11 h 52 min to 13 h 8 min) on 8 GPUs",
        "1,000 audio seconds per second each, a guess",
        "nothing was published",
    ):
        assert part in text
    assert "cost" not in text
    assert "typical" not in text


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"gpu_hour_price": 2.0}, "200.00 (190.00 to 210.00) at 2 a GPU hour"),
        ({"rtfx_basis": "measured"}, "measured by workers"),
        ({"rtfx_basis": "given"}, "given by --rtfx"),
        ({"typical_ms": 36_000_000}, "10.0 h by typical bit rates"),
        ({"known_ms": 36_000_000}, "10.0 h given by the sources"),
        ({"bad_rows": 7}, "7 invalid rows"),
        ({"files_of_unknown_size": 3}, "3 of them of unknown size"),
        ({"empty_files": 2}, "2 of them are empty (0 bytes) and will fail"),
        ({"gpus": 1}, ") on 1 GPU ("),
        ({"bytes": 12}, "12 bytes"),
        ({"bytes": 1536}, "1.5 KiB"),
        ({"bytes": 1 << 60}, "1,048,576.0 TiB"),
        ({"audio_ms": Span(likely=3_600_000, low=3_600_000, high=3_600_000)}, " 1.00 hours"),
        ({"files": 0}, "no audio found: nothing to do"),
    ],
)
def test_the_estimate_names_its_inputs_and_findings(fields: dict[str, Any], part: str) -> None:
    assert part in to_text(a_dry_run(**fields))


def test_invalid_rows_go_to_stderr_and_the_json_document_to_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = [f"list, line {n}: audio: missing" for n in range(5)]
    ignored = {".txt": 10, ".pdf": 2}
    print_dry_run(a_dry_run(bad_rows=1_005, bad_examples=bad, ignored=ignored), as_json=True)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["ignored"] == ignored
    assert json.loads(printed.out)["files"] == 10_000_000
    assert printed.err.splitlines()[0] == "fleet: list, line 0: audio: missing"
    assert printed.err.splitlines()[-2] == "fleet: and 1,000 more invalid rows"
    assert printed.err.splitlines()[-1] == "fleet: ignored: 12 (.txt 10, .pdf 2)"
