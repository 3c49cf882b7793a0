"""What a format is."""

from collections.abc import Callable
from dataclasses import dataclass

from contract.transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """One output format."""

    extension: str
    content_type: str
    render: Callable[[Transcript], bytes]
