"""Scrapes the fleet and evaluates rules, at the intervals of deploy/monitoring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.autoscale.history import Answer, History
from bench.autoscale.promql import Query, names, query


@dataclass(frozen=True)
class Rule:
    """A recording rule."""

    record: str
    expr: str


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated together, in their order."""

    interval_s: float
    rules: tuple[Rule, ...]


class Prometheus:
    """A Prometheus that scrapes on request."""

    def __init__(self, groups: Sequence[RuleGroup]) -> None:
        self._groups = [
            (group.interval_s, [(rule.record, query(rule.expr)) for rule in group.rules])
            for group in groups
        ]
        self._history = History()

    def scrape(self, at_s: float, page: Mapping[str, Answer]) -> None:
        """Store the metrics of the fleet, then evaluate the rules that are due."""
        for series, value in page.items():
            self._history.add(series, at_s, value)
        for interval_s, rules in self._groups:
            if at_s % interval_s == 0:
                for record, expr in rules:
                    self._history.add(record, at_s, self.ask(expr, at_s))

    def ask(self, expr: Query, at_s: float) -> Answer:
        """Return the result of a query at that time."""
        return expr(self._history, at_s)


def needed(groups: Sequence[RuleGroup], queries: Sequence[str]) -> tuple[RuleGroup, ...]:
    """Return the groups, reduced to the rules that the queries read directly or indirectly."""
    rules = {rule.record: rule for group in groups for rule in group.rules}
    wanted: set[str] = set()
    waiting = [name for one in queries for name in names(one)]
    while waiting:
        name = waiting.pop()
        if name in rules and name not in wanted:
            wanted.add(name)
            waiting += names(rules[name].expr)
    kept = (
        RuleGroup(group.interval_s, tuple(rule for rule in group.rules if rule.record in wanted))
        for group in groups
    )
    return tuple(group for group in kept if group.rules)
