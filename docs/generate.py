"""Writes the pages of docs/ that are made from the code; `--check` fails when one is stale.

python docs/generate.py [--check]
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from contract.metric import Metric
from contract.settings import PREFIX, Settings
from exporter.catalogue import CATALOGUE as OF_THE_FLEET
from exporter.catalogue import OTHERS
from worker.telemetry.catalogue import CATALOGUE

HERE = Path(__file__).parent
NOTE = "<!-- made by `make docs` from the code; do not edit -->"


def configuration() -> str:
    """Every setting with its default and meaning."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(name, field.default)} "
        f"| {_line(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]
    intro = (
        "Order: flag > environment > `fleet.toml` (the same names in lower case, without "
        "`FLEET_`) > default. A `FLEET_` variable that is not in this table is an error that "
        "names the nearest one. S3 is configured by the standard `AWS_*` variables, "
        "`AWS_ENDPOINT_URL_S3` included."
    )
    table = ["| variable | default | meaning |", "| --- | --- | --- |", *rows]
    return "\n".join(["# Configuration", "", NOTE, "", intro, "", *table, ""])


def _default(name: str, default: object) -> str:
    # the folder for temporary files differs from machine to machine
    text = "<temporary folder>/funasr-fleet" if name == "run_dir" else str(default)
    return f"`{text}`" if text else "empty"


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def metrics() -> str:
    """Every metric with its type, labels and meaning."""
    worker = (
        "Each worker serves `http://<host>:FLEET_METRICS_PORT/metrics`, beside `/healthz` "
        "(200 while the worker can still make progress) and `/readyz` (200 once every child has "
        "loaded its model)."
    )
    fleet = (
        "`fleet exporter` serves `http://<host>:9465/metrics`, with or without workers. While "
        "Redis is away, `asr_broker_up` is 0 and the rest is left out. A hundred jobs have "
        "series of their own: open ones, the largest first, then those that ended within the "
        f"hour; `{OTHERS}` are the rest."
    )
    parts = (("## A worker", worker, CATALOGUE), ("## The fleet", fleet, OF_THE_FLEET))
    pages = ["# Metrics", "", NOTE, ""]
    for title, intro, catalogue in parts:
        pages += [title, "", intro, "", *_table(catalogue), ""]
    return "\n".join(pages)


def _table(catalogue: Iterable[Metric]) -> list[str]:
    rows = [
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels)} | {m.help} |"
        for m in catalogue
    ]
    return ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |", *rows]


PAGES = {"configuration.md": configuration, "metrics.md": metrics}


def stale_pages() -> list[str]:
    """Names of the pages that differ from what the code says."""
    return [name for name, make in PAGES.items() if _read(name) != make()]


def _read(name: str) -> str:
    path = HERE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    """Write every page, or only compare."""
    if "--check" in arguments:
        stale = stale_pages()
        for name in stale:
            print(f"docs/{name} is stale: run `make docs`", file=sys.stderr)
        return len(stale)
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
