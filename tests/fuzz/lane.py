"""One process of the fuzzer: inputs in order, a line of JSON after every few.

python -m tests.fuzz.lane KIND FIRST COUNT SEED PROGRESS [SKIPPED...]
"""

import json
import sys
from pathlib import Path

from tests.fuzz.decoder import decode_number
from tests.fuzz.shard_parser import run_shards
from tests.fuzz.tally import Tally

REPORT_EVERY = 250
"""Inputs per report; those since the last report are repeated if one ends the process."""


def main(kind: str, span: range, seed: int, progress: Path, skipped: set[int]) -> None:
    """Process a range of inputs; `progress` contains the number of the current one."""
    with progress.open("r+b", buffering=0) as note:
        for first in range(span.start, span.stop, REPORT_EVERY):
            last = min(first + REPORT_EVERY, span.stop)
            tally = Tally()
            if kind == "shards":
                tally = run_shards(first, last - first, seed)
            for number in range(first, last) if kind == "files" else ():
                note.seek(0)
                note.write(b"%-20d" % number)
                if number not in skipped:
                    decode_number(number, seed, tally)
            print(json.dumps({"next": last, **vars(tally)}), flush=True)


if __name__ == "__main__":
    kind, first, count, seed, progress, *skipped = sys.argv[1:]
    span = range(int(first), int(first) + int(count))
    main(kind, span, int(seed), Path(progress), set(map(int, skipped)))
