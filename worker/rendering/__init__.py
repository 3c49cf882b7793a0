"""PURE: a transcript in the formats that users ask for, one file per format.

interface.py   Renderer: a transcript -> bytes, with its extension and content type
asked.py       what was asked for, and what else several formats read from a transcript
clock.py       milliseconds as clock time and as seconds
json.py txt.py tsv.py
srt.py vtt.py          subtitles
    cues.py        segments -> cues
    cue_timing.py  when each is shown, one at a time
    cue_cutting.py one segment -> the pieces of its cues
    wide_pieces.py what is too wide for a line, cut
    lines.py       one cue -> its lines
rttm.py ctm.py         who spoke when, and which word was said when, for scoring
textgrid.py            for Praat
    tiers.py       segments and words -> intervals that cover the audio
whisper.py openai_verbose.py aws_transcribe.py   for what reads the output of these
    as_whisper.py  a segment in the words of Whisper
    aws_items.py   a segment's words and punctuation in those of Amazon Transcribe
"""

from contract.job import Format
from worker.rendering.aws_transcribe import AWS_TRANSCRIBE
from worker.rendering.ctm import CTM
from worker.rendering.interface import Renderer
from worker.rendering.json import JSON
from worker.rendering.openai_verbose import OPENAI_VERBOSE
from worker.rendering.rttm import RTTM
from worker.rendering.srt import SRT
from worker.rendering.textgrid import TEXTGRID
from worker.rendering.tsv import TSV
from worker.rendering.txt import TXT
from worker.rendering.vtt import VTT
from worker.rendering.whisper import WHISPER

RENDERERS: dict[Format, Renderer] = {
    "json": JSON,
    "txt": TXT,
    "srt": SRT,
    "vtt": VTT,
    "tsv": TSV,
    "rttm": RTTM,
    "ctm": CTM,
    "textgrid": TEXTGRID,
    "whisper": WHISPER,
    "openai-verbose": OPENAI_VERBOSE,
    "aws-transcribe": AWS_TRANSCRIBE,
}
"""Every format by the name that users give it."""
