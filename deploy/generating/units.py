"""PURE: formats numbers with their units, by Grafana's unit names."""

_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))
_SIZES = (
    (float(1 << 40), "TiB"),
    (float(1 << 30), "GiB"),
    (float(1 << 20), "MiB"),
    (1024.0, "KiB"),
)
_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def step_of(most: float, unit: str) -> float:
    """Return the size of the unit in which an axis up to `most` is labelled."""
    scales = {"s": _SPANS, "bytes": _SIZES, "percentunit": ((0.01, "%"),)}.get(unit, ((1.0, ""),))
    return next((size for size, _ in scales if most >= size), 1.0)


def as_text(value: float, unit: str) -> str:
    """Format a number with its unit, as short as possible."""
    match unit:
        case "s":
            return _scaled(value, _SPANS, "s")
        case "bytes":
            return _scaled(value, _SIZES, "B")
        case "percentunit":
            return f"{_digits(100 * value)} %"
        case "celsius":
            return f"{_digits(value)} °C"
        case "watt":
            return f"{_digits(value)} W"
        case "h":
            return f"{_count(value)} h"
        case _ if unit.startswith("suffix:"):
            return f"{_count(value)} {unit.removeprefix('suffix:').strip()}"
        case _:
            return _count(value)


def _scaled(value: float, scales: tuple[tuple[float, str], ...], least: str) -> str:
    for size, name in scales:
        if abs(value) >= size:
            return f"{_digits(value / size)} {name}"
    return f"{_digits(value)} {least}"


def _count(value: float) -> str:
    for size, name in _COUNTS:
        if abs(value) >= 10 * size:
            return f"{_digits(value / size)}{name}"
    return _digits(value)


def _digits(value: float) -> str:
    """Format with three significant digits and no trailing zeros."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
