"""What a scaler asks, how fast it may act: ours as it stands in deploy/, and others beside it."""

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
    """A question, and what of its answer one pod is good for."""

    query: str
    per_pod: float
    activates: bool
    """Whether more than nothing brings a fleet from zero to one, and keeps it from zero."""


@dataclass(frozen=True)
class Policy:
    """By how much the number of pods may change within a period: `Pods` or `Percent`."""

    kind: str
    value: float
    period_s: float


@dataclass(frozen=True)
class Behavior:
    """How fast, one way: HorizontalPodAutoscaler's scalingRules."""

    stabilization_s: float
    policies: tuple[Policy, ...]


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """One that decides how many pods there are; one with no triggers has the most there may be."""

    name: str
    triggers: tuple[Trigger, ...]
    up: Behavior
    down: Behavior
    cooldown_s: float
    rules: tuple[RuleGroup, ...] = ()


@cache
def ours() -> Scaler:
    """The one of deploy/kubernetes/components/keda with the rules that its queries read."""
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
    """KEDA's scaler for a list of Redis, as fast as ours: so many waiting messages for each pod."""
    waiting = 'asr_backlog_messages{state="ready"}'
    return replace(
        ours(), name=name, triggers=(Trigger(waiting, messages_per_pod, True),), rules=()
    )


def patient(seconds: float, name: str) -> Scaler:
    """Ours, but idle pods stay for so long."""
    return replace(
        ours(), name=name, down=replace(ours().down, stabilization_s=seconds), cooldown_s=seconds
    )


def guessing(rtfx: float, name: str) -> Scaler:
    """Ours, but a new fleet is taken for one of that speed."""
    groups = (
        replace(group, rules=tuple(_with_guess(rule, rtfx) for rule in group.rules))
        for group in ours().rules
    )
    return replace(ours(), name=name, rules=tuple(groups))


def _with_guess(rule: Rule, rtfx: float) -> Rule:
    if rule.record != "asr:rtfx_per_slot":
        return rule
    return replace(rule, expr=re.sub(r"vector\(\d+\)", f"vector({rtfx})", rule.expr))


def fixed() -> Scaler:
    """All the pods that there may be, all the time."""
    return replace(ours(), name="fixed", triggers=(), rules=())


def wanted_rule() -> str:
    """How many slots the backlog wants, by the audio that waits and the speed of a slot."""
    rules = (rule for group in _groups() for rule in group.rules)
    return next(rule.expr for rule in rules if rule.record == "asr:slots_wanted")


def _groups() -> Iterator[RuleGroup]:
    for path in (RULES / "recording.yaml", RULES / "scaling.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            rules = tuple(Rule(one["record"], one["expr"]) for one in group["rules"])
            yield RuleGroup(_seconds(group["interval"]), rules)


def _trigger(metadata: Mapping[str, str]) -> Trigger:
    """Of a Prometheus, or of a page asked directly (metrics-api)."""
    return Trigger(
        metadata.get("query") or metadata["valueLocation"],
        float(metadata.get("threshold") or metadata["targetValue"]),
        activates="activationThreshold" not in metadata,
    )


def _behavior(told: Mapping[str, Any]) -> Behavior:
    policies = (Policy(one["type"], one["value"], one["periodSeconds"]) for one in told["policies"])
    return Behavior(told["stabilizationWindowSeconds"], tuple(policies))


def _seconds(duration: str) -> float:
    return float(parse_duration(duration).total_seconds())
