"""PURE: renders a transcript in each output format, one file per format.

interface   Renderer: transcript -> bytes, with extension and content type
fields      values that several formats write: names, channels, speakers, times
json txt tsv
srt vtt     subtitles
    cues        segments -> cues, cut at sentence ends and pauses
    cue_timing  display times of cues, one cue at a time
    lines       decides where a cue is broken into lines, cuts pieces too wide for a line
rttm ctm    speaker turns and word times, for scoring tools
textgrid    for Praat
whisper openai_verbose aws_transcribe  compatible with the outputs of these tools and services
"""

from funasr_fleet.contract.job import Format
from funasr_fleet.worker.formats.aws_transcribe import AWS_TRANSCRIBE
from funasr_fleet.worker.formats.ctm import CTM
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.formats.json import JSON
from funasr_fleet.worker.formats.openai_verbose import OPENAI_VERBOSE
from funasr_fleet.worker.formats.rttm import RTTM
from funasr_fleet.worker.formats.srt import SRT
from funasr_fleet.worker.formats.textgrid import TEXTGRID
from funasr_fleet.worker.formats.tsv import TSV
from funasr_fleet.worker.formats.txt import TXT
from funasr_fleet.worker.formats.vtt import VTT
from funasr_fleet.worker.formats.whisper import WHISPER

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
"""Format name, as in the options of a job -> renderer."""
