"""All days with all scalers: the output of `python -m bench autoscale`."""

import json
from dataclasses import asdict, dataclass

from bench.autoscale.days import DAYS
from bench.autoscale.playing import Outcome, play
from bench.autoscale.scaler import delayed, estimating, fixed, ours, queue_length


@dataclass(frozen=True)
class Comparison:
    """The output of `python -m bench autoscale --json`."""

    outcomes: list[Outcome]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return a table for each day."""
        lines = []
        for day in DAYS:
            lines += ["", day.name, f"  {'':26}{'':>9}{'GPU hours':>20}{'GPUs':>28}"]
            lines.append(
                f"  {'scaler':26}{'drained':>9}{'paid':>10}{'wasted':>10}"
                f"{'peak':>10}{'overshoot':>10}{'started':>8}"
            )
            lines += [_line(one) for one in self.outcomes if one.day == day.name]
        return "\n".join(lines).strip("\n")


def _line(one: Outcome) -> str:
    drained = "never" if one.drain_hours is None else f"{one.drain_hours:.2f} h"
    return (
        f"  {one.scaler:26}{drained:>9}{one.gpu_hours:>10.1f}{one.gpu_hours_wasted:>10.1f}"
        f"{one.peak_gpus:>10}{one.overshoot_gpus:>10}{one.gpus_started:>8}"
    )


def run_autoscale() -> Comparison:
    """Simulate all combinations; takes some tens of seconds."""
    scalers = (
        ours(),
        delayed(600, "ours, 10 min scale-down"),
        estimating(60, "ours, low first estimate"),
        queue_length(5, "5 messages per GPU"),
        queue_length(300, "300 messages per GPU"),
        fixed(),
    )
    return Comparison([play(day, scaler) for day in DAYS for scaler in scalers])
