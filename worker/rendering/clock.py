"""Milliseconds as clock time, by integers only: floats are off by one in 0.6 % of cases."""


def clock(ms: int, separator: str) -> str:
    """1234567 -> 00:20:34<separator>567; hours grow beyond two digits."""
    seconds, millis = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{millis:03}"


def decimal_seconds(ms: int) -> str:
    """1234567 -> 1234.567, always with three decimals."""
    seconds, millis = divmod(ms, 1000)
    return f"{seconds}.{millis:03}"


def seconds(ms: int) -> float:
    """The same as a number for JSON: the double next to the decimal, which prints as that."""
    return ms / 1000
