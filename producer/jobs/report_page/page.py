"""PURE. A job's report as a self-contained HTML page: no network access, no script."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from funasr_fleet.broker.job_report import FailureGroup, WarningGroup
from funasr_fleet.contract.shown_text import in_page
from funasr_fleet.producer.jobs.report_page.charts import key, strip
from funasr_fleet.producer.jobs.report_page.style import STYLE
from funasr_fleet.producer.jobs.report_page.times import (
    audio_over_time,
    bin_minutes,
    files_over_time,
    latency,
)
from funasr_fleet.producer.progress.humanize import decimal, hours, percent, span

_OUTCOMES = {
    "ok": "transcribed",
    "empty": "without speech",
    "skipped": "already up to date",
    "failed": "failed",
    "cancelled": "cancelled",
    "waiting": "waiting",
}


def page(
    report: dict[str, Any],
    groups: Sequence[FailureGroup] = (),
    warned: Sequence[WarningGroup] = (),
) -> str:
    """The complete page, HTML 5.

    Args:
        report: the document of broker.job_report.
        groups: failures by kind with examples; if empty, only the report's counts are shown.
        warned: warnings by kind with examples; if empty, only the report's counts are shown.
    """
    parts = (
        _head(report),
        _cards(report),
        _outcomes(report),
        *_times(report),
        _failures(report, groups),
        _warnings(report, warned),
    )
    title = in_page(f"{report['job']} - funasr-fleet")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{title}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(parts)}\n</main></body></html>\n"
    )


def _head(report: dict[str, Any]) -> str:
    state, style = _state(report)
    start, ended = (_moment(report[name]) for name in ("created_at", "finished_at"))
    when = f"{start} to {ended} UTC" if ended else f"since {start} UTC"
    return (
        f'<header><h1>{in_page(report["job"])}<span class="state {style}">{state}</span></h1>'
        f'<p class="soft">{in_page(when)} &#183; '
        f"results in <code>{in_page(report['output'])}</code>"
        "</p></header>"
    )


def _state(report: dict[str, Any]) -> tuple[str, str]:
    """(text, CSS class) of the job's state."""
    is_over = report["finished_at"] and report.get("whole", True)
    if report["cancelled_at"] or (is_over and report["outcomes"]["cancelled"]):
        return "cancelled", "open"
    if not report.get("whole", True):
        return "unknown: Redis does not have the full plan", "bad"
    if not report["finished_at"]:
        return "not complete yet", "open"
    if report["outcomes"]["failed"]:
        return "complete, some failed", "bad"
    return "complete", "good"


def _cards(report: dict[str, Any]) -> str:
    files, failed = report["files"], report["outcomes"]["failed"]
    finished = _with_outcome(report) - report["outcomes"]["cancelled"]
    rtfx, speed, half = (report["rtfx"], report["audio_hours_per_hour"], report["latency_s"]["p50"])
    whole = report.get("whole", True)
    known = f"{percent(finished, files)} finished" if whole else "known; Redis lacks the full plan"
    until = "from start to end" if report["finished_at"] else "since the start"
    shown = [
        ("Files", f"{files:,}", known, ""),
        ("Failed", f"{failed:,}", f"{percent(failed, files)} of the files", "bad" * bool(failed)),
        ("Audio", hours(report["audio_hours"]), "transcribed", ""),
        ("Time", span(report["wall_s"]), until, ""),
        ("Speed", f"{decimal(speed)}&#215;" if speed else "-", "audio hours per hour", ""),
        ("Work", hours(report["device_hours"]), "sum of all devices", ""),
        ("RTFx", f"{decimal(rtfx)}&#215;" if rtfx else "-", "audio hours per device hour", ""),
        ("Median file", f"{decimal(half)} s" if half else "-", "from start to commit", ""),
    ]
    cards = "".join(
        f'<div class="card"><span class="soft">{name}</span><b class="{style}">{value}</b>'
        f'<span class="soft">{in_page(note)}</span></div>'
        for name, value, note, style in shown
    )
    return f'<div class="cards">{cards}</div>'


def _outcomes(report: dict[str, Any]) -> str:
    counts = {**report["outcomes"], "waiting": max(0, report["files"] - _with_outcome(report))}
    shown = [(name, counts[name]) for name in _OUTCOMES if counts[name]]
    labelled = [(name, n, f"{_OUTCOMES[name]}: {n:,}") for name, n in shown]
    if not labelled:
        return _section("Outcomes", '<p class="soft">The job has no files.</p>')
    lines = "".join(
        f"<li>{key(f'fill-{name}')}{_OUTCOMES[name]} <b>{n:,}</b> "
        f'<span class="soft">{in_page(percent(n, report["files"]))}</span></li>'
        for name, n, _ in labelled
    )
    drawn = strip([(f"fill-{name}", n, tip) for name, n, tip in labelled], "Files by outcome")
    return _section("Outcomes", f'{drawn}<ul class="legend">{lines}</ul>')


def _times(report: dict[str, Any]) -> list[str]:
    if not report["throughput"]:
        return []
    bars = bin_minutes(report["throughput"])
    drawn = (audio_over_time(bars), files_over_time(bars), latency(report["latency_s"]))
    return [_section(title, content) for title, content in drawn]


def _failures(report: dict[str, Any], groups: Sequence[FailureGroup]) -> str:
    examples = {
        group.kind: "".join(
            _example(one.relative, f'<br/><span class="soft">{in_page(one.message)}</span>')
            for one in group.examples
        )
        for group in groups
    }
    counts = {group.kind: group.count for group in groups} or report["failures"]
    return _section("Failures", _kinds(counts, report["files"], examples))


def _warnings(report: dict[str, Any], groups: Sequence[WarningGroup]) -> str:
    examples = {
        group.kind: "".join(_example(one.relative) for one in group.examples) for group in groups
    }
    counts = {group.kind: group.count for group in groups} or report.get("warnings", {})
    return _section("Warnings", _kinds(counts, report["files"], examples))


def _kinds(counts: dict[str, int], files: int, examples: dict[str, str]) -> str:
    """A table of files by kind, with examples as HTML."""
    if not counts:
        return '<p class="soft">None.</p>'
    rows = "".join(
        f'<tr><td><code>{in_page(kind)}</code></td><td class="number">{count:,}</td>'
        f'<td class="number">{in_page(percent(count, files))}</td>'
        f"<td>{examples.get(kind, '')}</td></tr>"
        for kind, count in counts.items()
    )
    return (
        '<div class="scroll"><table><thead><tr><th>kind</th><th class="number">files</th>'
        '<th class="number">share</th><th>examples</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _example(name: str, more: str = "") -> str:
    return f'<p class="example"><code>{in_page(name)}</code>{more}</p>'


def _section(title: str, content: str) -> str:
    return f"<section><h2>{in_page(title)}</h2>{content}</section>"


def _with_outcome(report: dict[str, Any]) -> int:
    """Files with an outcome, including cancelled ones."""
    return sum(report["outcomes"].values())


def _moment(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}" if text else ""
