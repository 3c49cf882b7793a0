"""PURE: limits of the numbers in a file reference, for messages and manifest rows."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MAX_TIME_MS = 1 << 42
"""139 years: longer than any recording; at 192 kHz the sample count still fits in 64 bits."""

MAX_AUDIO_BYTES = 50 << 40
"""50 TiB; S3's largest object has 50 TB."""

MAX_CHANNEL = (1 << 16) - 1
"""A WAV header counts channels in 16 bits."""


def _refuse_boolean(value: Any) -> Any:
    """Reject booleans, which Python accepts as integers."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=0)]
TimeMs = Annotated[Whole, Field(le=MAX_TIME_MS)]
AudioBytes = Annotated[Whole, Field(le=MAX_AUDIO_BYTES)]
Channel = Annotated[Whole, Field(le=MAX_CHANNEL)]
