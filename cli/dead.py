"""`fleet dead`: list, requeue and drop dead letters."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit
from funasr_fleet.cli.options import AsJson
from funasr_fleet.cli.terminal import say, warn
from funasr_fleet.contract.shown_text import one_line

if TYPE_CHECKING:
    from funasr_fleet.broker.dead_letters import DeadLetter

app = typer.Typer(
    help="List, requeue or drop dead letters.\n\nThese are messages that failed permanently.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Ids as shown by `fleet dead list`.")
]
OfJob = Annotated[str | None, typer.Option("--job", help="All dead letters of this job.")]
Everything = Annotated[bool, typer.Option("--all", help="All dead letters.")]


@app.command("list")
def list_letters(
    job: Annotated[str | None, typer.Option("--job", help="Only those of this job.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List dead letters with their reasons, the latest first.

    Example: fleet dead list --job job-20261122
    """
    import funasr_fleet

    found = funasr_fleet.list_dead(job, limit=limit)
    if as_json:
        documents = [_document(one) for one in found.letters]
        say(json.dumps({"total": found.total, "letters": documents}))
        return
    if not found.total:
        say(f"no dead letters{_of(job)}")
        return
    for one in found.letters:
        say(_shown(one))
    say(
        f"{len(found.letters):,} of {found.total:,} dead letters{_of(job)}; once the cause is "
        "fixed: fleet dead requeue ID; to delete: fleet dead drop ID"
    )


@app.command()
def requeue(
    ids: Ids = None, job: OfJob = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Publish dead letters again with new attempts; their jobs resume.

    Example: fleet dead requeue --job job-20261122
    """
    import funasr_fleet

    result = funasr_fleet.requeue_dead(ids=ids or (), job=job, everything=everything)
    if as_json:
        say(json.dumps(asdict(result)))
    elif result.requeued:
        watch = f"; watch it: fleet status {job}" if job else ""
        say(f"{_count(result.requeued)} ({result.files:,} files) enqueued again{watch}")
    elif not result.refused:
        say(f"no dead letters{_of(job)}: nothing to do")
    for one in result.refusals:
        warn(f"{_plain(one.message_id)} not requeued: {_plain(one.why)}")
    if (more := result.refused - len(result.refusals)) > 0:
        warn(f"{more:,} more not requeued")
    if result.refused:
        raise typer.Exit(Exit.SOME_FAILED)


@app.command()
def drop(
    ids: Ids = None, job: OfJob = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Delete dead letters; their files stay failed.

    Example: fleet dead drop 2f6c1f0e-0b0c-4a37-a2fd-0c2f6f0f9d53
    """
    import funasr_fleet

    result = funasr_fleet.drop_dead(ids=ids or (), job=job, everything=everything)
    if as_json:
        say(json.dumps(asdict(result)))
    elif result.dropped or not result.unknown:
        say(f"{_count(result.dropped)} dropped")
    for one in result.unknown:
        warn(f"no dead letter has the id {_plain(one)}")
    if result.unknown:
        raise typer.Exit(Exit.SOME_FAILED)


def _document(letter: "DeadLetter") -> dict[str, object]:
    # without the document, whose addresses may contain signatures
    fields = letter.model_dump(exclude={"document"})
    return {**fields, "job": letter.job, "files": letter.files}


def _shown(letter: "DeadLetter") -> str:
    more = f" and {len(letter.files) - 1:,} others" if len(letter.files) > 1 else ""
    rows = {
        "job": letter.job,
        "file": letter.files[0] + more if letter.files else "none: not a shard",
        "reason": letter.reason,
        "worker": letter.worker,
        "device": letter.device,
        "when": letter.at,
    }
    lines = (f"  {name:<7}{_plain(text)}" for name, text in rows.items() if text)
    return "\n".join((_plain(letter.message_id), *lines, ""))


def _plain(text: str) -> str:
    """The text on one line; another client may have sent it."""
    return one_line(" ".join(text.split()))


def _count(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count:,} dead letters"


def _of(job: str | None) -> str:
    return f" of job {job}" if job else ""
