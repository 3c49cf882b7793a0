"""The options of `fleet enqueue`, each with its help."""

from datetime import datetime
from typing import Annotated

import typer

from contract.job import FORMATS, MAX_SEGMENT_S, MAX_SPEAKERS

ALL = "all"
"""Stands for every format."""

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="s3://bucket/prefix/, a manifest (.jsonl, .csv, .tsv, .txt, wav.scp; also .gz and in "
        "S3), a local folder with --upload, or - for standard input.",
    ),
]
Output = Annotated[str, typer.Option(help="s3://bucket/prefix/ for the results.")]
Job = Annotated[str | None, typer.Option(help="Name of the job.")]

Formats = Annotated[
    str, typer.Option(help=f"{', '.join(FORMATS)}, separated by commas; {ALL} for each of them.")
]
Language = Annotated[str | None, typer.Option(help="Language code, such as zh.")]
Hotwords = Annotated[str, typer.Option(help="Words to prefer, separated by commas.")]
Timestamps = Annotated[str, typer.Option(help="segment or word.")]
Speakers = Annotated[bool, typer.Option("--speakers", help="Tell speakers apart.")]
SpeakerCount = Annotated[
    int | None,
    typer.Option(min=1, max=MAX_SPEAKERS, help="How many there are, if known; implies --speakers."),
]
Channels = Annotated[str, typer.Option(help="mix, or split for one transcript each.")]
Itn = Annotated[
    bool | None,
    typer.Option("--itn/--no-itn", help="Numbers in digits, or in words; else as the model likes."),
]
Segments = Annotated[
    str, typer.Option(help="What a segment is: speech between two pauses, or a sentence.")
]
MergeSeconds = Annotated[
    float | None,
    typer.Option(
        min=0.001, max=MAX_SEGMENT_S, help="Neighbouring speech is recognised as one up to this."
    ),
]
MaxSegmentSeconds = Annotated[
    float | None,
    typer.Option(min=1, max=MAX_SEGMENT_S, help="Longer speech is cut where it is quietest."),
]
SecondLook = Annotated[
    bool, typer.Option("--second-look", help="Doubtful speech is cut and recognised once more.")
]
Model = Annotated[
    str | None,
    typer.Option(help="The model that is to do it: the job goes to the workers that hold it."),
]

Upload = Annotated[str | None, typer.Option(help="Where a local folder is sent first.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Redo what is done.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        help="Only objects written then or later.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="So many files at most.")]
Suffixes = Annotated[str, typer.Option(help="What counts as audio in a prefix: wav,mp3.")]
Strict = Annotated[bool, typer.Option("--strict", help="The first bad row ends it.")]

Priority = Annotated[int, typer.Option(min=0, max=9, help="9 is taken first.")]
MaxShardSeconds = Annotated[
    float | None, typer.Option(min=1, help="Audio of one message; two hours by default.")
]
MaxReady = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Messages that may wait, half a million by default; then the producer waits too.",
    ),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it takes.")]
Gpus = Annotated[int, typer.Option(min=1, help="Of --dry-run: how many.")]
Rtfx = Annotated[float | None, typer.Option(min=0.001, help="Of --dry-run: speed of a GPU.")]
GpuHourPrice = Annotated[float | None, typer.Option(help="Of --dry-run: what a GPU costs.")]

Wait = Annotated[bool, typer.Option("--wait", help="Stay until the job is over.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
