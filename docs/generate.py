"""Generates the pages of docs/ that come from the code; `--check` fails when one is stale.

python docs/generate.py [--check]
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.exporter.metrics import CATALOGUE as FLEET_CATALOGUE
from funasr_fleet.exporter.metrics import OTHERS
from funasr_fleet.metric import Metric
from funasr_fleet.settings import PREFIX, Settings
from funasr_fleet.worker.engine.families import FAMILIES, OTHER, PARTS, Family
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE

HERE = Path(__file__).parent
NOTE = "<!-- made by `make docs` from the code; do not edit -->"


def configuration() -> str:
    """Return the page of settings, each with its default and meaning."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(name, field.default)} "
        f"| {_line(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]
    intro = (
        "Precedence: flag > environment > `fleet.toml` (the same names in lower case, without "
        "`FLEET_`) > default. An unknown `FLEET_` variable is an error that names the closest "
        "setting. S3 is configured by the standard `AWS_*` variables, including "
        "`AWS_ENDPOINT_URL_S3`."
    )
    table = ["| variable | default | meaning |", "| --- | --- | --- |", *rows]
    return "\n".join(["# Configuration", "", NOTE, "", intro, "", *table, ""])


def _default(name: str, default: object) -> str:
    # the temporary folder differs between machines
    text = "<temporary folder>/funasr-fleet" if name == "run_dir" else str(default)
    return f"`{text}`" if text else "empty"


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def metrics() -> str:
    """Return the page of metrics, each with its type, labels and meaning."""
    worker = (
        "Each worker serves `http://<host>:FLEET_METRICS_PORT/metrics`, `/healthz` (200 while "
        "the worker can make progress) and `/readyz` (200 once every child has loaded its model)."
    )
    fleet = (
        "`fleet exporter` serves `http://<host>:9465/metrics`, with or without workers. While "
        "Redis is unavailable, `asr_broker_up` is 0 and all other metrics are omitted. At most "
        "a hundred jobs have their own series: open jobs, the largest first, then jobs that ended "
        f"within the last hour; `{OTHERS}` sums up the remaining jobs."
    )
    parts = (("## A worker", worker, CATALOGUE), ("## The fleet", fleet, FLEET_CATALOGUE))
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
    """Return the page of recogniser families with their capabilities, and of auxiliary models."""
    rows = [
        f"| {one.title} | {_names(one.examples)} | {_abilities(one)} | {one.note} |"
        for one in (*FAMILIES, OTHER)
    ]
    head = "| family | examples | " + " | ".join(_COLUMNS) + " | notes |"
    rule = "| --- " * (len(_COLUMNS) + 3) + "|"
    auxiliary = [
        f"| {one.title} | `{one.setting}` | {_names(one.examples)} | {one.note} |" for one in PARTS
    ]
    recognisers = ["## Recognisers", "", _MODELS_INTRO, "", head, rule, *rows, ""]
    parts = [
        "## Auxiliary models",
        "",
        "| model | setting | examples | notes |",
        "| --- " * 4 + "|",
    ]
    directories = ["", "## Model directories", "", _DIRECTORIES_INTRO, "", *_FILES_HEAD]
    files = [f"| {one.title} | {one.files} |" for one in (*FAMILIES, OTHER, *PARTS)]
    tables = [*recognisers, *parts, *auxiliary, *directories, *files, ""]
    return "\n".join(["# Models", "", NOTE, "", *tables])


_MODELS_INTRO = (
    "`FLEET_MODEL` names a recogniser: a hub name (append `@revision` for a revision other than "
    "the newest), a directory, or `demo`. Unsupported [options](options.md) are rejected: by "
    "`fleet enqueue` once a worker has registered its capabilities, otherwise in the file's "
    "`.error.json`. A worker exits with code 3 when the weights of a model lack one of its "
    "tensors, hold it in another shape, or hold tensors that the model lacks; the error names "
    "them. If a file has more tensors than the model because it was saved with parts that only "
    "training uses, remove these from the file; otherwise its `config.yaml` belongs to another "
    "model. A fast path is our own "
    "implementation of a model's inference ([measurements](performance.md))."
)
_DIRECTORIES_INTRO = (
    "`FLEET_MODEL` and the settings of auxiliary models also take a directory. A name is a "
    "directory if it exists, begins with `/`, `.` or `~`, or has more than one slash; every other "
    "name is looked up on the hub. `~` is not expanded. A directory holds a `config.yaml` whose "
    "`model` names the class, and the files below. A `configuration.json` may give them other "
    "names (`file_path_metas`, with `config` and `init_param`), as in downloads from ModelScope. A "
    "worker does not start with a directory that is missing, empty or without its configuration "
    "(exit code 2), and asks no hub for it."
)
_FILES_HEAD = ("| model | beside `config.yaml` |", "| --- | --- |")
_COLUMNS: dict[str, Callable[[Abilities], str]] = {
    "word times": lambda can: _tick(can.word_times),
    "accepts a language": lambda can: _language_list(can.languages),
    "detects the language": lambda can: _tick(can.detects_language),
    "emotion, events": lambda can: _tick(can.emotion_and_events),
    "hotwords": lambda can: _tick(can.hotwords),
    "ITN": lambda can: _tick(can.itn),
    "punctuation": lambda can: _tick(can.punctuation),
    "confidence": lambda can: _tick(can.confidence),
    "batching": lambda can: _tick(can.batch),
}
"""Title of each column, with the function that fills its cell."""


def _abilities(family: Family) -> str:
    return " | ".join(cell(family.can) for cell in _COLUMNS.values())


def _tick(yes: bool) -> str:
    return "yes" if yes else ""


def _language_list(languages: tuple[str, ...] | None) -> str:
    if languages is None:
        return ""
    return (
        (", ".join(languages) or "yes") if len(languages) <= 12 else f"{len(languages)} languages"
    )


def _names(examples: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in examples)


PAGES = {"configuration.md": configuration, "metrics.md": metrics, "models.md": models}


def stale_pages() -> list[str]:
    """Return the names of the pages that differ from what the code generates."""
    return [name for name, make in PAGES.items() if _read(name) != make()]


def _read(name: str) -> str:
    path = HERE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    """Write every page, or with --check only compare; return the exit code."""
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
