"""Generates the dashboards and the PrometheusRule; `--check` fails when a file is stale.

python -m deploy.generate [--check]
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.generating.dashboards import DASHBOARDS
from deploy.generating.grafana import to_json
from deploy.generating.prometheus_rule import to_prometheus_rule

HERE = Path(__file__).parent
DASHBOARDS_DIR = HERE / "monitoring" / "dashboards"
RULES_DIR = HERE / "monitoring" / "rules"
PROMETHEUS_RULE = HERE / "kubernetes" / "components" / "monitoring" / "rules.yaml"


def generated() -> Mapping[Path, str]:
    """Return the text of every generated file by its path."""
    rules = {path.name: path.read_text(encoding="utf-8") for path in RULES_DIR.glob("*.yaml")}
    return {
        **{DASHBOARDS_DIR / f"{one.title.lower()}.json": to_json(one) for one in DASHBOARDS},
        PROMETHEUS_RULE: to_prometheus_rule(rules),
    }


def stale() -> list[str]:
    """Return the files that differ from the declarations, or that no declaration generates."""
    files = generated()
    differ = [path for path, text in files.items() if _read(path) != text]
    strays = [path for path in DASHBOARDS_DIR.glob("*.json") if path not in files]
    return [str(path.relative_to(HERE.parent)) for path in sorted(differ + strays)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    """Write every file, or with --check only compare; return the exit code."""
    if "--check" in arguments:
        found = stale()
        for name in found:
            print(f"{name} is stale: run `make docs`", file=sys.stderr)
        return len(found)
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
