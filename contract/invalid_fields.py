"""PURE: the error message for a document with invalid fields."""

from pydantic import ValidationError

_MAX_ERRORS = 10
_MAX_ERROR_CHARS = 200
"""Only the first errors are shown: a message may have ten thousand."""


def explain(error: ValidationError) -> str:
    """One line naming the invalid fields, without their values, which may be private."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [
        f"{_place(one['loc'])}: {one['msg'].removeprefix('Value error, ')[:_MAX_ERROR_CHARS]}"
        for one in errors[:_MAX_ERRORS]
    ]
    more = len(errors) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _place(path: tuple[int | str, ...]) -> str:
    """The path of an invalid field; field names of other clients may have any length and form."""
    return field_name(".".join(map(str, path))) or "message"


def field_name(name: str) -> str:
    """A field name as shown in messages: its beginning, with unprintable characters escaped."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in name[:_MAX_ERROR_CHARS]
    )
