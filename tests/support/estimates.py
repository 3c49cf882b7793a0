"""An example of a dry-run estimate."""

from typing import Any

from funasr_fleet.producer.estimate.cost import DryRun, Span

_DRY_RUN: dict[str, Any] = {
    "files": 10_000_000,
    "bytes": 5 << 40,
    "files_of_unknown_size": 0,
    "bad_rows": 0,
    "bad_examples": [],
    "ignored": {},
    "empty_files": 0,
    "sampled": 64,
    "measured": 60,
    "known_ms": 0,
    "typical_ms": 0,
    "audio_ms": Span(likely=360_000_000_000, low=342_000_000_000, high=378_000_000_000),
    "bytes_per_second": {"mp3": 16_000, "wav": 15_980},
    "gpus": 8,
    "rtfx": 1000.0,
    "rtfx_basis": "assumed",
    "gpu_hour_price": None,
}


def a_dry_run(**fields: Any) -> DryRun:
    return DryRun(**{**_DRY_RUN, **fields})
