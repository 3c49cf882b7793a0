"""PURE: evaluates PromQL expressions, where every metric is one series.

The fleet is simulated as a whole: `sum` adds up messages of both states; otherwise `sum` and `max`
return their argument. tests/deploy/test_autoscale.py compares the results with promtool. Functions
that no rule uses are rejected.
"""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Final

import promql_parser as ast

from bench.autoscale.history import Answer, History

Query = Callable[[History, float], Answer]
"""Returns the result at a time in seconds."""

_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.copysign(math.inf, left),
}
_COMPARISON: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


class CannotPlay(Exception):
    """An expression of the scaler is not supported: extend bench/autoscale/promql.py."""


def query(text: str) -> Query:
    """Compile an expression; raise `CannotPlay` if it is not supported."""
    return _query(ast.parse(text))


def names(text: str) -> Iterator[str]:
    """Yield the names of the metrics that an expression reads."""
    found: list[str] = []

    def visit(node: ast.Expr) -> None:
        if isinstance(node, ast.VectorSelector) and node.name:
            found.append(node.name)

    ast.walk(ast.parse(text), visit)
    yield from found


def _query(expr: ast.Expr) -> Query:
    match expr:
        case ast.NumberLiteral():
            value = expr.val
            return lambda _history, _at_s: value
        case ast.ParenExpr():
            return _query(expr.expr)
        case ast.VectorSelector():
            return _vector(expr)
        case ast.AggregateExpr() if str(expr.op) == "sum" and isinstance(
            expr.expr, ast.VectorSelector
        ):
            return _sum(expr.expr)
        case ast.AggregateExpr() if str(expr.op) in {"sum", "max"}:
            return _query(expr.expr)
        case ast.BinaryExpr():
            return _binary(str(expr.op), _query(expr.lhs), _query(expr.rhs))
        case ast.Call() if isinstance(expr.args[0], ast.MatrixSelector):
            return _over_time(expr.func.name, expr.args[0])
        case ast.Call():
            return _call(expr.func.name, [_query(one) for one in expr.args])
    raise CannotPlay(expr.prettify())


def _vector(selector: ast.VectorSelector) -> Query:
    name, labels = _series(selector)

    def ask(history: History, at_s: float) -> Answer:
        found = history.find(name, labels)
        if len(found) > 1:
            raise CannotPlay(selector.prettify())
        return history.latest(found[0], at_s) if found else None

    return ask


def _sum(selector: ast.VectorSelector) -> Query:
    name, labels = _series(selector)

    def ask(history: History, at_s: float) -> Answer:
        latest = [history.latest(one, at_s) for one in history.find(name, labels)]
        values = [one for one in latest if one is not None]
        return sum(values) if values else None

    return ask


def _series(selector: ast.VectorSelector) -> tuple[str, tuple[str, ...]]:
    return str(selector.name), tuple(str(one) for one in selector.matchers.matchers)


def _binary(name: str, left: Query, right: Query) -> Query:
    if name != "or" and name not in _ARITHMETIC and name not in _COMPARISON:
        raise CannotPlay(name)

    def ask(history: History, at_s: float) -> Answer:
        one, other = left(history, at_s), right(history, at_s)
        if name == "or":
            return other if one is None else one
        if one is None or other is None:
            return None
        if name in _ARITHMETIC:
            return _ARITHMETIC[name](one, other)
        return one if _COMPARISON[name](one, other) else None

    return ask


def _call(name: str, arguments: list[Query]) -> Query:
    first = arguments[0]

    def clamp_max(history: History, at_s: float) -> Answer:
        value, most = first(history, at_s), arguments[1](history, at_s)
        if value is None:
            return None
        return math.nan if most is None or math.isnan(most) else min(value, most)

    def ceil(history: History, at_s: float) -> Answer:
        value = first(history, at_s)
        return None if value is None else math.ceil(value)

    def scalar(history: History, at_s: float) -> Answer:
        value = first(history, at_s)
        return math.nan if value is None else value

    known = {"clamp_max": clamp_max, "ceil": ceil, "scalar": scalar, "vector": first}
    if name not in known:
        raise CannotPlay(name)
    return known[name]


def _over_time(name: str, selector: ast.MatrixSelector) -> Query:
    """Compile a range function; `rate` omits the extrapolation, which cancels in a ratio."""
    series, labels = _series(selector.vector_selector)
    range_s = selector.range.total_seconds()

    def samples_of(history: History, at_s: float) -> list[tuple[float, float]]:
        found = history.find(series, labels)
        return history.within(found[0], at_s, range_s) if found else []

    def last(history: History, at_s: float) -> Answer:
        samples = samples_of(history, at_s)
        return samples[-1][1] if samples else None

    def rate(history: History, at_s: float) -> Answer:
        samples = samples_of(history, at_s)
        if len(samples) < 2:
            return None
        (begin_s, begin), (end_s, end) = samples[0], samples[-1]
        return (end - begin) / (end_s - begin_s)

    known = {"last_over_time": last, "rate": rate}
    if name not in known:
        raise CannotPlay(name)
    return known[name]
