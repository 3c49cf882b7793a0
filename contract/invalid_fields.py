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
    dotted = ".".join(map(str, path))[:_MAX_ERROR_CHARS] or "message"
    return dotted.encode("utf-8", "backslashreplace").decode()
