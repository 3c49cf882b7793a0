"""`fleet report` and `evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from funasr_fleet.cli.exits import Exit, WrongUsage, print_bad_rows
from funasr_fleet.cli.options import AsJson, JobName, check_output_option
from funasr_fleet.cli.terminal import cell, console, say, warn
from funasr_fleet.contract.shown_text import one_line

if TYPE_CHECKING:
    from rich.table import Table

    from funasr_fleet import Evaluation
    from funasr_fleet.producer.evaluation.scoring import Counts


def report(
    job: JobName,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as an HTML page.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document (default without --html).")
    ] = False,
) -> None:
    """Summarise a job: outcomes, throughput, latencies, failures, warnings.

    Exit code 3 when the state of the job is unknown: the report may be incomplete.

    Example: fleet report job-20261122 --html report.html
    """
    import funasr_fleet
    from funasr_fleet.producer.jobs.report_page import page
    from funasr_fleet.settings import Settings

    settings = Settings.load()
    document = funasr_fleet.report(job, settings)
    note = funasr_fleet.status(job, settings).note
    if html:
        groups = funasr_fleet.failures(job, settings)
        text = page(document, groups, funasr_fleet.file_warnings(job, settings))
        try:
            # file names that are not valid Unicode must not prevent the report
            html.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise WrongUsage(f"--html {html} cannot be written: {error.strerror}") from None
    if as_json or not html:
        say(json.dumps(document))
    else:
        say(f"written to {html}")
    if note:
        warn(f"the report may be incomplete. {note}")
        raise typer.Exit(Exit.UNREACHABLE)


_MAX_SHOWN = 20
"""Maximum number of uncompared files, and of invalid rows, to show; --json lists all files."""
_COUNTED = {"wer": "words (WER)", "cer": "characters (CER)"}


def evaluate(
    references: Annotated[
        str,
        typer.Option(
            metavar="MANIFEST",
            help="Reference texts: .jsonl, NeMo's .json, .csv or .tsv (may be .gz and in S3), each "
            "row with audio and text; - for JSON lines from standard input.",
        ),
    ],
    output: Annotated[str, typer.Option(help="s3://bucket/prefix/ of a job's results.")],
    metric: Annotated[
        Literal["auto", "wer", "cer"],
        typer.Option(help="Word or character error rate; auto: by the script of each text."),
    ] = "auto",
    language: Annotated[
        str | None, typer.Option(help="Language code of rows without a language.")
    ] = None,
    normalizer: Annotated[
        Literal["fleet", "whisper"],
        typer.Option(
            help="fleet, or whisper: openai-whisper's rules, as in published figures (the English "
            "rules for language en, else the basic rules)."
        ),
    ] = "fleet",
    simplified: Annotated[
        bool,
        typer.Option("--simplified", help="Treat traditional and simplified characters as equal."),
    ] = False,
    chinese_numbers: Annotated[
        bool,
        typer.Option("--chinese-numbers", help="Treat Chinese numbers and digits as equal."),
    ] = False,
    worst: Annotated[int, typer.Option(min=0, help="Number of worst files to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compute word and character error rates of a job's results.

    Results are compared with reference texts. The exit code is 1 when a row could not be compared.

    Example: fleet evaluate --references said.jsonl --output s3://transcripts/2026/
    """
    import funasr_fleet

    check_output_option(output)
    found = funasr_fleet.evaluate(
        references,
        output=output,
        metric=metric,
        language=language,
        normalizer=normalizer,
        simplified=simplified,
        chinese_numbers=chinese_numbers,
    )
    print_bad_rows(found.bad_rows[:_MAX_SHOWN], len(found.bad_rows))
    if as_json:
        say(json.dumps(found.to_json()))
    else:
        _show(found, worst)
    if not found.whole:
        raise typer.Exit(Exit.SOME_FAILED)


def _show(found: "Evaluation", worst: int) -> None:
    if found.metrics:
        console().print(_totals(found))
    if found.worst(worst):
        console().print(_worst(found, worst))
    if found.left_out:
        console().print(_left_out(found))
    say(one_line(_sentence(found)))


def _totals(found: "Evaluation") -> "Table":
    table = _table("total", "files")
    for metric in found.metrics:
        files = f"{len(found.scores(metric)):,}"
        table.add_row(_COUNTED[metric], files, *_cells(found.total(metric)))
    return table


def _worst(found: "Evaluation", worst: int) -> "Table":
    table = _table("worst files", "counted")
    for row in found.worst(worst):
        if row.score:
            table.add_row(cell(row.relative), _COUNTED[row.score.metric], *_cells(row.score.counts))
    return table


def _table(*first: str) -> "Table":
    from rich.table import Table

    table = Table(*first)
    for name in ("reference", "substituted", "deleted", "inserted", "rate"):
        table.add_column(name, justify="right")
    return table


def _cells(counts: "Counts") -> list[str]:
    """The counts and the error rate, which exceeds 100 % with many insertions."""
    rate = "-" if counts.rate is None else f"{100 * counts.rate:.2f} %"
    numbers = (counts.words, counts.substitutions, counts.deletions, counts.insertions)
    return [*(f"{number:,}" for number in numbers), rate]


def _left_out(found: "Evaluation") -> "Table":
    from rich.table import Table

    table = Table("not compared", "outcome", "why")
    for row in found.left_out[:_MAX_SHOWN]:
        table.add_row(cell(row.relative), row.outcome.replace("_", " "), cell(row.reason or ""))
    if (more := len(found.left_out) - _MAX_SHOWN) > 0:
        table.add_row(f"and {more:,} more", "", "--json lists all of them")
    return table


def _sentence(found: "Evaluation") -> str:
    from funasr_fleet.producer.evaluation.result import NOT_COMPARED

    if not found.rows:
        return "no references: nothing to compare"
    if found.count("missing") == len(found.rows):
        return (
            "no file has a result below --output: outputs are named by a row's relative, its id, "
            "or the key of its audio. If the job was enqueued from a prefix or a folder, set each "
            "row's relative to the path of its file below that prefix or folder"
        )
    counts = {outcome: found.count(outcome) for outcome in NOT_COMPARED}
    counted = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    models = f"{', '.join(found.models)}: " if found.models else ""
    parts = [f"{found.count('compared'):,} of {len(found.rows):,} files compared", *counted]
    rules = "" if found.rules.normalizer == "fleet" else "; texts normalised as openai-whisper does"
    return models + ", ".join(parts) + rules
