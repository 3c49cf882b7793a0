"""python -m tests.fuzz [--seed N] [--shards N] [--rows N] [--files N] ...; see --help."""

import argparse
import itertools
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.messages import run_messages
from tests.fuzz.supervising import Lane
from tests.fuzz.tally import Tally

SHARDS = 60_000
ROWS = 20_000
FILES = 40_000
HEADS = 40_000
"""Each takes about 20 ms of CPU time."""
MESSAGES = 20_000


def lanes(kind: str, count: int, processes: int, seed: int, keep: Path) -> list[Lane]:
    """The inputs of one kind, divided into lanes."""
    ends = [count * number // processes for number in range(processes + 1)]
    return [
        Lane(kind=kind, first=first, count=last - first, seed=seed, keep=keep)
        for first, last in itertools.pairwise(ends)
    ]


def report(kind: str, tally: Tally) -> int:
    """Print a tally; return the number of its findings."""
    print("\n".join(tally.lines(kind)), flush=True)
    return len(tally.findings)


def main() -> int:
    """Run all lanes; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--shards", type=int, default=SHARDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--heads", type=int, default=HEADS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fleet-fuzz")
    given = parser.parse_args()
    begin, found, inputs = time.monotonic(), 0, 0
    with ThreadPoolExecutor(given.processes) as threads:
        for kind in ("shards", "rows", "files", "heads"):
            tally = Tally()
            parts = lanes(kind, getattr(given, kind), given.processes, given.seed, given.keep)
            for part in threads.map(Lane.run, parts):
                tally.add(part)
            found, inputs = found + report(kind, tally), inputs + tally.inputs
        if given.messages:
            tally = run_messages(given.messages, given.seed)
            found, inputs = found + report("messages", tally), inputs + tally.inputs
    seconds = time.monotonic() - begin
    print(f"{inputs} inputs of seed {given.seed} in {seconds:.0f} s, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
