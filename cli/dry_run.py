"""The output of `fleet enqueue --dry-run`."""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from funasr_fleet.broker.ledger.values import MS_PER_HOUR
from funasr_fleet.cli.exits import print_bad_rows, print_ignored
from funasr_fleet.cli.terminal import say
from funasr_fleet.producer.progress.humanize import decimal, span

if TYPE_CHECKING:
    from funasr_fleet.producer.estimate.cost import DryRun, Span

_BASIS = {
    "given": "given by --rtfx",
    "measured": "measured by workers",
    "assumed": "a guess: not measured by workers yet, set it with --rtfx",
}


def print_dry_run(result: "DryRun", *, as_json: bool) -> None:
    """Print the estimate to stdout, and invalid rows and ignored files to stderr."""
    print_bad_rows(result.bad_examples, result.bad_rows)
    print_ignored(result.ignored)
    say(json.dumps(result.to_json()) if as_json else to_text(result))


def to_text(result: "DryRun") -> str:
    """The estimate as text, with the basis of each number."""
    if not result.files:
        return "no audio found: nothing to do"
    lines = [("files", _files(result)), ("audio", _hours(result)), ("basis", _basis(result))]
    if rates := ", ".join(f"{name} {rate:,}" for name, rate in result.bytes_per_second.items()):
        lines.append(("bytes per s", f"{rates} (measured)"))
    lines.append(("time", _time(result)))
    if cost := result.cost:
        lines.append(
            (
                "cost",
                f"{_band(cost, lambda x: f'{x:,.2f}')} at {result.gpu_hour_price:g} a GPU hour",
            )
        )
    lines.append(("", "nothing was published; files that already have a result are included"))
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def _files(result: "DryRun") -> str:
    text = f"{result.files:,}, {_size(result.bytes)}"
    if result.files_of_unknown_size:
        text += f", {result.files_of_unknown_size:,} of them of unknown size"
    if result.empty_files:
        text += f", {result.empty_files:,} of them are empty (0 bytes) and will fail"
    return f"{text}; {result.bad_rows:,} invalid rows" if result.bad_rows else text


def _hours(result: "DryRun") -> str:
    return f"{_band(result.audio_ms.times(1 / MS_PER_HOUR), decimal)} hours"


def _basis(result: "DryRun") -> str:
    parts = [f"{result.measured} of {result.sampled} sampled headers contain a duration"]
    if result.known_ms:
        parts.append(f"{decimal(result.known_ms / MS_PER_HOUR)} h given by the sources")
    if result.typical_ms:
        parts.append(f"{decimal(result.typical_ms / MS_PER_HOUR)} h by typical bit rates")
    return "; ".join(parts)


def _time(result: "DryRun") -> str:
    gpus = f"{result.gpus} GPU" + ("s" if result.gpus > 1 else "")
    speed = f"{result.rtfx:,.0f} audio seconds per second each, {_BASIS[result.rtfx_basis]}"
    return f"{_band(result.time_ms.times(1 / 1000), span)} on {gpus} ({speed})"


def _band(found: "Span", show: Callable[[float], str]) -> str:
    likely, low, high = map(show, (found.likely, found.low, found.high))
    return likely if low == high else f"{likely} ({low} to {high})"


def _size(size_bytes: float) -> str:
    if size_bytes < 1024:
        return f"{size_bytes:.0f} bytes"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min(int(math.log(size_bytes, 1024)), len(units))
    return f"{size_bytes / 1024**power:,.1f} {units[power - 1]}"
