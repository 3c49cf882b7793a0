"""Writes the pages of docs/ that are made from the code; `--check` fails when one is stale.

python docs/generate.py [--check]
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from contract.abilities import Abilities
from contract.metric import Metric
from contract.settings import PREFIX, Settings
from exporter.catalogue import CATALOGUE as OF_THE_FLEET
from exporter.catalogue import OTHERS
from worker.engine.families import FAMILIES, OTHER, PARTS, Family
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


def models() -> str:
    """Every family of recognisers with what it can do, and the models that work beside one."""
    rows = [
        f"| {one.title} | {_names(one.examples)} | {_abilities(one)} | {one.note} |"
        for one in (*FAMILIES, OTHER)
    ]
    head = "| family | for example | " + " | ".join(_COLUMNS) + " | |"
    rule = "| --- " * (len(_COLUMNS) + 3) + "|"
    beside = [
        f"| {one.title} | `{one.setting}` | {_names(one.examples)} | {one.note} |" for one in PARTS
    ]
    recognisers = ["## Recognisers", "", _OF_MODELS, "", head, rule, *rows, ""]
    parts = ["## Beside them", "", "| model | setting | for example | |", "| --- " * 4 + "|"]
    return "\n".join(["# Models", "", NOTE, "", *recognisers, *parts, *beside, ""])


_OF_MODELS = (
    "`FLEET_MODEL` names a recogniser: a hub name (`@revision` for one other than the newest), a "
    "directory, or `demo`. What it cannot do is refused: by `fleet enqueue`, once a worker has "
    "said what it holds, and else with the file's `.error.json`. The options are those of "
    "[options.md](options.md). A worker ends with code 3 when a model's file of weights lacks one "
    "of its tensors, or holds it in another shape; the error names them."
)
_COLUMNS: dict[str, Callable[[Abilities], str]] = {
    "word times": lambda can: _tick(can.word_times),
    "can be told the language": lambda can: _told(can.languages),
    "says the language": lambda can: _tick(can.detects_language),
    "emotion, events": lambda can: _tick(can.emotion_and_events),
    "hotwords": lambda can: _tick(can.hotwords),
    "ITN": lambda can: _tick(can.itn),
    "punctuation": lambda can: _tick(can.punctuation),
    "confidence": lambda can: _tick(can.confidence),
    "many clips at once": lambda can: _tick(can.batch),
}
"""Of the table: what is in each column."""


def _abilities(family: Family) -> str:
    return " | ".join(say(family.can) for say in _COLUMNS.values())


def _tick(yes: bool) -> str:
    return "yes" if yes else ""


def _told(languages: tuple[str, ...] | None) -> str:
    if languages is None:
        return ""
    return ", ".join(languages) if len(languages) <= 12 else f"{len(languages)} languages"


def _names(examples: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in examples)


PAGES = {"configuration.md": configuration, "metrics.md": metrics, "models.md": models}


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
