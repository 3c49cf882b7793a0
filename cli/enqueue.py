"""`fleet enqueue`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit, WrongUsage

if TYPE_CHECKING:
    from contract.job import Options
    from producer import EnqueueResult


def enqueue(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="s3://bucket/prefix/, a .jsonl manifest, or a local folder."
        ),
    ],
    output: Annotated[str, typer.Option(help="s3://bucket/prefix/ for the results.")],
    job: Annotated[str | None, typer.Option(help="Name of the job.")] = None,
    formats: Annotated[
        str, typer.Option(help="json, txt, srt, vtt, separated by commas.")
    ] = "json",
    language: Annotated[str | None, typer.Option(help="Language code, such as zh.")] = None,
    hotwords: Annotated[str, typer.Option(help="Words to prefer, separated by commas.")] = "",
    timestamps: Annotated[str, typer.Option(help="segment or word.")] = "segment",
    speakers: Annotated[bool, typer.Option("--speakers", help="Tell speakers apart.")] = False,
    channels: Annotated[str, typer.Option(help="mix, or split for one transcript each.")] = "mix",
    upload: Annotated[str | None, typer.Option(help="Where a local folder is sent first.")] = None,
    priority: Annotated[int, typer.Option(min=0, max=9, help="9 is taken first.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo what is done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Publish every audio file of the sources that has no current result; then exit.

    Example: fleet enqueue s3://calls/2026/ --output s3://transcripts/2026/ --formats json,srt
    """
    import producer

    wanted = _read_options(
        formats=formats.split(","),
        language=language,
        hotwords=[word for word in hotwords.split(",") if word],
        timestamps=timestamps,
        speakers=speakers,
        channels=channels,
    )
    _check_output(output)
    result = producer.enqueue(
        sources,
        output=output,
        options=wanted,
        job=job,
        upload=upload,
        priority=priority,
        overwrite=overwrite,
    )
    for row in result.bad_rows:
        typer.echo(f"fleet: {row}", err=True)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    else:
        typer.echo(_sentence(result))
    if result.bad_rows:
        raise typer.Exit(Exit.SOME_FAILED)


def _read_options(**given: object) -> "Options":
    from pydantic import ValidationError

    from contract.job import Options, explain

    try:
        return Options.model_validate(given)
    except ValidationError as error:
        raise WrongUsage(f"--{explain(error)}") from None


def _check_output(output: str) -> None:
    from contract.job import check_output

    try:
        check_output(output)
    except ValueError as error:
        raise WrongUsage(f"--output {error}") from None


def _sentence(found: "EnqueueResult") -> str:
    if not found.files:
        return "no audio found: nothing to do"
    if not found.enqueued:
        return f"{found.files} files found, all have their outcome: nothing to do but skip"
    return (
        f"{found.files} files found, {found.skipped} skipped, {found.enqueued} enqueued as "
        f"{found.shards} shards of {found.job}; watch it with: fleet status {found.job}"
    )
