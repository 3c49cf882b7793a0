"""PURE: the files of rules -> one PrometheusRule, which Prometheus' operator reads."""

from collections.abc import Mapping

_GROUPS = "groups:\n"

_HEAD = """\
# made by `make docs` from deploy/monitoring/rules/; do not edit
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: funasr-fleet
  labels:
    app.kubernetes.io/name: funasr-fleet
    # what the operator of the chart kube-prometheus-stack selects by; an overlay can change it
    release: kube-prometheus-stack
spec:
  groups:
"""


def to_prometheus_rule(files: Mapping[str, str]) -> str:
    """The groups of all files, as they are written there.

    Args:
        files: text of each file by its name.

    Raises:
        ValueError: a file does not begin with comments and its groups.
    """
    return _HEAD + "".join(_indented(name, text) for name, text in sorted(files.items()))


def _indented(name: str, text: str) -> str:
    comments, found, groups = text.partition(_GROUPS)
    if not found or any(line and not line.startswith("#") for line in comments.splitlines()):
        raise ValueError(f"{name} must be comments, then `groups:`, then nothing else")
    lines = (f"  {line}" if line.strip() else "" for line in groups.rstrip().splitlines())
    return "\n".join((f"    # {name}", *lines, ""))
