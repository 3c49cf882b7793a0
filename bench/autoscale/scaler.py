"""Scalers: their queries and rates, ours as configured in deploy/, and others to compare with."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from promql_parser import parse_duration

from bench.autoscale.prometheus import Rule, RuleGroup, needed

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "monitoring/rules"
_SCALED_OBJECT = DEPLOY / "kubernetes/components/keda/scaled-object.yaml"


@dataclass(frozen=True)
class Trigger:
    """A query, and the share of its result that one pod covers."""

    query: str
    per_pod: float
    activates: bool
    """Whether a result above zero scales from zero to one, and prevents scaling to zero."""


@dataclass(frozen=True)
class Policy:
    """The maximum change of the number of pods within a period: `Pods` or `Percent`."""

    kind: str
    value: float
    period_s: float


@dataclass(frozen=True)
class Behavior:
    """Rates for one direction: HorizontalPodAutoscaler's scalingRules."""

    stabilization_s: float
    policies: tuple[Policy, ...]


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """The configuration of a scaler; without triggers the fleet always has the maximum size."""

    name: str
    triggers: tuple[Trigger, ...]
    up: Behavior
    down: Behavior
    cooldown_s: float
    rules: tuple[RuleGroup, ...] = ()


@cache
def ours() -> Scaler:
    """Return the scaler of deploy/kubernetes/components/keda with the rules of its queries."""
    spec = yaml.safe_load(_SCALED_OBJECT.read_text())["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    triggers = tuple(_trigger(one["metadata"]) for one in spec["triggers"])
    return Scaler(
        name="ours",
        triggers=triggers,
        up=_behavior(behavior["scaleUp"]),
        down=_behavior(behavior["scaleDown"]),
        cooldown_s=spec["cooldownPeriod"],
        rules=needed(list(_groups()), [one.query for one in triggers]),
    )


def queue_length(messages_per_pod: float, name: str) -> Scaler:
    """Return KEDA's scaler for a Redis list with our rates: a fixed number of messages per pod."""
    waiting = 'asr_backlog_messages{state="ready"}'
    return replace(
        ours(), name=name, triggers=(Trigger(waiting, messages_per_pod, True),), rules=()
    )


def delayed(seconds: float, name: str) -> Scaler:
    """Return our scaler with another scale-down delay."""
    return replace(
        ours(), name=name, down=replace(ours().down, stabilization_s=seconds), cooldown_s=seconds
    )


def estimating(rtfx: float, name: str) -> Scaler:
    """Return our scaler with another speed estimate for a new fleet."""
    groups = (
        replace(group, rules=tuple(_with_estimate(rule, rtfx) for rule in group.rules))
        for group in ours().rules
    )
    return replace(ours(), name=name, rules=tuple(groups))


def _with_estimate(rule: Rule, rtfx: float) -> Rule:
    if rule.record != "asr:rtfx_per_slot":
        return rule
    return replace(rule, expr=re.sub(r"vector\(\d+\)", f"vector({rtfx})", rule.expr))


def fixed() -> Scaler:
    """Return a scaler that keeps the maximum number of pods all the time."""
    return replace(ours(), name="fixed", triggers=(), rules=())


def wanted_rule() -> str:
    """Return the expression of asr:slots_wanted, the slots for the waiting audio."""
    rules = (rule for group in _groups() for rule in group.rules)
    return next(rule.expr for rule in rules if rule.record == "asr:slots_wanted")


def _groups() -> Iterator[RuleGroup]:
    for path in (RULES / "recording.yaml", RULES / "scaling.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            rules = tuple(Rule(one["record"], one["expr"]) for one in group["rules"])
            yield RuleGroup(_seconds(group["interval"]), rules)


def _trigger(metadata: Mapping[str, str]) -> Trigger:
    """Return the trigger of a prometheus or a metrics-api scaler."""
    return Trigger(
        metadata.get("query") or metadata["valueLocation"],
        float(metadata.get("threshold") or metadata["targetValue"]),
        activates="activationThreshold" not in metadata,
    )


def _behavior(spec: Mapping[str, Any]) -> Behavior:
    policies = (Policy(one["type"], one["value"], one["periodSeconds"]) for one in spec["policies"])
    return Behavior(spec["stabilizationWindowSeconds"], tuple(policies))


def _seconds(duration: str) -> float:
    return float(parse_duration(duration).total_seconds())
