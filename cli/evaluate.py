"""`fleet evaluate`."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.exits import Exit, WrongUsage

if TYPE_CHECKING:
    from rich.table import Table

    from producer import Evaluation
    from producer.evaluation.counts import Counts

_MOST_TOLD = 20
"""Files that were not compared, and bad rows; --json names all."""
_COUNTED = {"wer": "words (WER)", "cer": "characters (CER)"}


def evaluate(
    references: Annotated[
        str,
        typer.Option(
            metavar="MANIFEST",
            help="What was said: .jsonl, NeMo's .json, .csv or .tsv, also .gz and in S3, each row "
            "with audio and text; - for JSON lines from standard input.",
        ),
    ],
    output: Annotated[str, typer.Option(help="s3://bucket/prefix/ of a job's results.")],
    metric: Annotated[
        Literal["auto", "wer", "cer"],
        typer.Option(help="Errors of words, of characters, or as the script of a text wants it."),
    ] = "auto",
    language: Annotated[
        str | None, typer.Option(help="Language code of rows that do not tell theirs.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="So many of the worst files are shown.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare a job's results with what was said: word and character error rates.

    The exit code is 1 when a row could not be compared.

    Example: fleet evaluate --references said.jsonl --output s3://transcripts/2026/
    """
    import producer

    _check_output(output)
    found = producer.evaluate(references, output=output, metric=metric, language=language)
    for row in found.bad_rows[:_MOST_TOLD]:
        typer.echo(f"fleet: {row}", err=True)
    if (more := len(found.bad_rows) - _MOST_TOLD) > 0:
        typer.echo(f"fleet: and {more:,} more bad rows", err=True)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _show(found, worst)
    if not found.whole:
        raise typer.Exit(Exit.SOME_FAILED)


def _check_output(output: str) -> None:
    from contract.job import check_output

    try:
        check_output(output)
    except ValueError as error:
        raise WrongUsage(f"--output {error}") from None


def _show(found: "Evaluation", worst: int) -> None:
    from cli.status_view import console

    if found.metrics:
        console().print(_totals(found))
    if found.worst(worst):
        console().print(_worst(found, worst))
    if found.left_out:
        console().print(_left_out(found))
    typer.echo(_sentence(found))


def _totals(found: "Evaluation") -> "Table":
    table = _table("total", "files")
    for metric in found.metrics:
        files = f"{len(found.scores(metric)):,}"
        table.add_row(_COUNTED[metric], files, *_cells(found.total(metric)))
    return table


def _worst(found: "Evaluation", worst: int) -> "Table":
    from rich.markup import escape

    table = _table("worst files", "counted")
    for row in found.worst(worst):
        if row.score:
            table.add_row(
                escape(row.relative), _COUNTED[row.score.metric], *_cells(row.score.counts)
            )
    return table


def _table(*first: str) -> "Table":
    from rich.table import Table

    table = Table(*first)
    for name in ("said", "substituted", "deleted", "inserted", "rate"):
        table.add_column(name, justify="right")
    return table


def _cells(counts: "Counts") -> list[str]:
    """Above 100 % where more was added than was said."""
    rate = "-" if counts.rate is None else f"{100 * counts.rate:.2f} %"
    numbers = (counts.words, counts.substitutions, counts.deletions, counts.insertions)
    return [*(f"{number:,}" for number in numbers), rate]


def _left_out(found: "Evaluation") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("not compared", "outcome", "why")
    for row in found.left_out[:_MOST_TOLD]:
        table.add_row(escape(row.relative), row.outcome.replace("_", " "), escape(row.reason or ""))
    if (more := len(found.left_out) - _MOST_TOLD) > 0:
        table.add_row(f"and {more:,} more", "", "--json names them all")
    return table


def _sentence(found: "Evaluation") -> str:
    from producer.evaluation.result import NOT_COMPARED

    if not found.rows:
        return "no references: nothing to compare"
    if found.count("missing") == len(found.rows):
        return (
            "no file has a result there: outputs are named by a row's relative, its id, or the "
            "key of its audio; those of a prefix or a folder by what follows it, which is then "
            "the relative to give"
        )
    counts = {outcome: found.count(outcome) for outcome in NOT_COMPARED}
    counted = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    whose = f"{', '.join(found.models)}: " if found.models else ""
    told = [f"{found.count('compared'):,} of {len(found.rows):,} files compared", *counted]
    return whose + ", ".join(told)
