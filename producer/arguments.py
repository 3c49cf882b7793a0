"""PURE: checks of arguments, shared by the Python API and the command line."""

import math
from collections.abc import Sequence

from funasr_fleet.contract.layout import check_output
from funasr_fleet.contract.queues import PRIORITY_STEPS
from funasr_fleet.producer.errors import BadArgument

_REAL = (int, float)


def check_number(
    name: str,
    value: float | None,
    least: float,
    most: float = math.inf,
    *,
    whole: bool = False,
    required: bool = False,
) -> None:
    """Check that a value is a number in a range; `whole` requires an int.

    Raises:
        BadArgument: the value is not such a number, or is out of range, or is None although it is
            required.
    """
    if value is None and not required:
        return
    kinds = int if whole else _REAL
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        limits = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise BadArgument(f"{name} must be {kind} {limits}, not {value!r}")


def check_priority(priority: int) -> None:
    """Check the priority of a job. Raises BadArgument."""
    least, *_, most = PRIORITY_STEPS
    check_number("priority", priority, least, most, whole=True, required=True)


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Check that the value is one of the choices. Raises BadArgument."""
    if value not in choices:
        raise BadArgument(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def check_prefix(name: str, uri: str) -> None:
    """Check that the value is a prefix for objects in S3. Raises BadArgument."""
    try:
        check_output(uri)
    except ValueError as error:
        raise BadArgument(f"{name} {uri} {error}") from None


def as_sources(sources: Sequence[str]) -> tuple[str, ...]:
    """The sources as a tuple. Raises BadArgument for a single string, and if there are none."""
    if isinstance(sources, str) or not sources:
        raise BadArgument("sources must be a list with at least one source")
    return tuple(sources)
