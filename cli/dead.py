"""`fleet dead`: what no worker takes again by itself."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from contract.dead_letters import DeadLetter

app = typer.Typer(
    help="Messages that were put aside, each with its reason: list, requeue, drop.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="As `fleet dead list` shows them.")
]
OfJob = Annotated[str | None, typer.Option("--job", help="Those of this job.")]
Everything = Annotated[bool, typer.Option("--all", help="All that there are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_letters(
    job: Annotated[str | None, typer.Option("--job", help="Only those of this job.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show dead letters, the latest first, and why each was put aside.

    Example: fleet dead list --job job-20261122
    """
    import producer

    found = producer.list_dead(job, limit=limit)
    if as_json:
        letters = [_document(one) for one in found.letters]
        typer.echo(json.dumps({"total": found.total, "letters": letters}))
        return
    if not found.total:
        typer.echo(f"there is no dead letter{_of(job)}")
        return
    for one in found.letters:
        typer.echo(_shown(one))
    typer.echo(
        f"{len(found.letters):,} of {found.total:,} dead letters{_of(job)}; when the reason is "
        "mended: fleet dead requeue ID, else: fleet dead drop ID"
    )


@app.command()
def requeue(
    ids: Ids = None, job: OfJob = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Publish dead letters again as new; their jobs go on.

    Example: fleet dead requeue --job job-20261122
    """
    import producer

    result = producer.requeue_dead(ids=ids or (), job=job, everything=everything)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    elif result.requeued:
        watch = f"; watch it: fleet status {job}" if job else ""
        typer.echo(f"{_letters(result.requeued)} ({result.files:,} files) enqueued again{watch}")
    elif not result.refused:
        typer.echo(f"there is no dead letter{_of(job)}: nothing to do")
    for one in result.refusals:
        typer.echo(f"fleet: {_plain(one.message_id)} stays: {_plain(one.why)}", err=True)
    if result.refused > len(result.refusals):
        typer.echo(f"fleet: {result.refused - len(result.refusals):,} others stay, too", err=True)
    if result.refused:
        raise typer.Exit(Exit.SOME_FAILED)


@app.command()
def drop(
    ids: Ids = None, job: OfJob = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Forget dead letters; their files stay failed.

    Example: fleet dead drop 2f6c1f0e-0b0c-4a37-a2fd-0c2f6f0f9d53
    """
    import producer

    result = producer.drop_dead(ids=ids or (), job=job, everything=everything)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    elif result.dropped or not result.unknown:
        typer.echo(f"{_letters(result.dropped)} dropped")
    for one in result.unknown:
        typer.echo(f"fleet: there is no dead letter {_plain(one)}", err=True)
    if result.unknown:
        raise typer.Exit(Exit.SOME_FAILED)


def _document(letter: "DeadLetter") -> dict[str, object]:
    # not the document itself: its addresses may hold signatures
    told = letter.model_dump(exclude={"document"})
    return {**told, "job": letter.job, "files": letter.files}


def _shown(letter: "DeadLetter") -> str:
    more = f" and {len(letter.files) - 1:,} others" if len(letter.files) > 1 else ""
    rows = {
        "job": letter.job,
        "file": letter.files[0] + more if letter.files else "none: it is no shard",
        "reason": letter.reason,
        "worker": letter.worker,
        "device": letter.device,
        "when": letter.at,
    }
    lines = (f"  {name:<7}{_plain(text)}" for name, text in rows.items() if text)
    return "\n".join((_plain(letter.message_id), *lines, ""))


def _plain(text: str) -> str:
    """On one line, and without what another client may have sent to a terminal."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)


def _letters(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count:,} dead letters"


def _of(job: str | None) -> str:
    return f" of job {job}" if job else ""
