"""PURE: a transcript in the formats that users ask for, one file per format.

interface.py  Renderer: a transcript -> bytes, with its extension and content type
clock.py      milliseconds as clock time
json.py txt.py srt.py vtt.py
"""

from contract.job import Format
from worker.rendering.interface import Renderer
from worker.rendering.json import JSON
from worker.rendering.srt import SRT
from worker.rendering.txt import TXT
from worker.rendering.vtt import VTT

RENDERERS: dict[Format, Renderer] = {"json": JSON, "txt": TXT, "srt": SRT, "vtt": VTT}
"""Every format by the name that users give it."""
