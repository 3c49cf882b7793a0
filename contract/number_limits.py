"""PURE: how large the numbers of a reference may be, in a message as in a row of a manifest."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MAX_TIME_MS = 1 << 42
"""139 years: more than any recording, and as samples of 192 kHz still an integer of 64 bits."""

MAX_AUDIO_BYTES = 50 << 40
"""50 TiB; the largest object of S3 has 50 TB."""

MAX_CHANNEL = (1 << 16) - 1
"""A WAV header counts channels in 16 bits."""


def _refuse_boolean(value: Any) -> Any:
    """Python takes true for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=0)]
TimeMs = Annotated[Whole, Field(le=MAX_TIME_MS)]
AudioBytes = Annotated[Whole, Field(le=MAX_AUDIO_BYTES)]
Channel = Annotated[Whole, Field(le=MAX_CHANNEL)]
