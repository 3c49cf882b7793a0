"""Format milliseconds with integers only: with floats, 0.6 % of times are off by one."""


def clock(ms: int, separator: str) -> str:
    """1234567 -> 00:20:34<separator>567; hours may have more than two digits."""
    seconds, millis = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{millis:03}"


def decimal_seconds(ms: int) -> str:
    """1234567 -> 1234.567, always with three decimals."""
    seconds, millis = divmod(ms, 1000)
    return f"{seconds}.{millis:03}"


def seconds(ms: int) -> float:
    """1234567 -> 1234.567 as a number for JSON; the nearest double prints as this decimal."""
    return ms / 1000
