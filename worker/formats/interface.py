"""Renderer: the interface of an output format."""

from collections.abc import Callable
from dataclasses import dataclass

from funasr_fleet.contract.transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """One output format."""

    extension: str
    """File name extension without the leading dot."""
    content_type: str
    render: Callable[[Transcript], bytes]
