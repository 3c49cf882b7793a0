"""The options of `fleet enqueue`, each with its help."""

from datetime import datetime
from typing import Annotated

import typer

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

Formats = Annotated[str, typer.Option(help="json, txt, srt, vtt, separated by commas.")]
Language = Annotated[str | None, typer.Option(help="Language code, such as zh.")]
Hotwords = Annotated[str, typer.Option(help="Words to prefer, separated by commas.")]
Timestamps = Annotated[str, typer.Option(help="segment or word.")]
Speakers = Annotated[bool, typer.Option("--speakers", help="Tell speakers apart.")]
Channels = Annotated[str, typer.Option(help="mix, or split for one transcript each.")]

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
