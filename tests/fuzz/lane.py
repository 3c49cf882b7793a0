"""One process of the fuzzer: inputs in order, a line of JSON after every few.

python -m tests.fuzz.lane KIND FIRST COUNT SEED PROGRESS [SKIPPED...]
"""

import json
import sys
from pathlib import Path

from tests.fuzz.decoder import fuzzed_pool
from tests.fuzz.manifests import run_rows
from tests.fuzz.shard_parser import run_shards
from tests.fuzz.tally import Tally

REPORT_EVERY = 250
"""Inputs per report; those since the last report are repeated if one ends the process."""
_ROWS_PER_REPORT = 25
"""Rows take longer than shards, and a lane that does not report for 120 s counts as blocked."""

_IN_THIS_PROCESS = {"shards": run_shards, "rows": run_rows}


def main(kind: str, span: range, seed: int, progress: Path, skipped: set[int]) -> None:
    """Process a range of inputs; `progress` contains the number of the current one."""
    every = _ROWS_PER_REPORT if kind == "rows" else REPORT_EVERY
    spans = [
        range(first, min(first + every, span.stop)) for first in range(span.start, span.stop, every)
    ]
    if kind in _IN_THIS_PROCESS:
        for part in spans:
            _report(part, _IN_THIS_PROCESS[kind](part.start, len(part), seed))
        return
    with progress.open("r+b", buffering=0) as note, fuzzed_pool(seed, kind) as pool:
        for part in spans:
            tally = Tally()
            for number in part:
                note.seek(0)
                note.write(b"%-20d" % number)
                if number not in skipped:
                    pool.decode_number(number, tally)
            pool.check_state(tally)
            _report(part, tally)


def _report(part: range, tally: Tally) -> None:
    print(json.dumps({"next": part.stop, **vars(tally)}), flush=True)


if __name__ == "__main__":
    kind, first, count, seed, progress, *skipped = sys.argv[1:]
    span = range(int(first), int(first) + int(count))
    main(kind, span, int(seed), Path(progress), set(map(int, skipped)))
