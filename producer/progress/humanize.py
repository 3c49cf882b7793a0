"""PURE. Format numbers and durations for humans, in the terminal and in the report page."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def span(seconds: float) -> str:
    """A duration in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return _two(*divmod(whole, _MINUTE_S), "min", "s")
    minutes = round(whole / _MINUTE_S)
    if minutes * _MINUTE_S < _DAY_S:
        return _two(*divmod(minutes, 60), "h", "min")
    return _two(*divmod(round(whole / _HOUR_S), 24), "d", "h")


def decimal(value: float) -> str:
    """A number with about three significant digits: `0.0042`, `1.23`, `12.3`, `1,235`."""
    size = abs(value)
    if size == 0 or size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def hours(value: float) -> str:
    """A number of hours; below one hour in smaller units: `12.3 h`, `5 min 4 s`."""
    return f"{decimal(value)} h" if value >= 1 or value <= 0 else span(3600 * value)


def compact(value: float) -> str:
    """A short form of a number: `9,400`, `12 k`, `2.82 M`."""
    if value < 10_000:
        return f"{value:,g}"
    size, name = (1000, "k") if value < 999_500 else (1_000_000, "M")
    return f"{float(f'{value / size:.3g}'):,g} {name}"


def number_of(count: int, name: str) -> str:
    """A count with its noun: `1 shard`, `2,000 shards`."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def percent(part: float, whole: float) -> str:
    """A percentage; `0 %` and `100 %` only if the share is exactly 0 or 1."""
    if whole <= 0 or part <= 0:
        return "0 %"
    if part >= whole:
        return "100 %"
    share = 100 * part / whole
    if share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if share > 99.9 else f"{share:.1f} %"


def _two(large: int, small: int, name: str, small_name: str) -> str:
    return f"{large} {name} {small} {small_name}" if small else f"{large} {name}"
