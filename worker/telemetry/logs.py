"""Structured logging: one line per event, as text or JSON."""

import logging
import re
import sys
from dataclasses import asdict
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from funasr_fleet.contract.shown_text import indented, one_line
from funasr_fleet.settings import redact
from funasr_fleet.worker.events import BatchRecognised, Event, FileFinished, InferenceTime

_OF_LINES = ("exception", "stack")


def configure_logging(form: Literal["text", "json"]) -> None:
    """Send all log lines, also those of Celery and FunASR, through one renderer to stderr."""
    processors: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_passwords,
    ]
    rendering: list[Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False), _escape_json]
        if form == "json"
        else [_escape_values, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=processors,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # FunASR logs every step to the root logger
    for name in ("fleet", "funasr_fleet", "celery.worker.consumer", "celery.apps.worker"):
        logging.getLogger(name).setLevel(logging.INFO)
    # Celery logs a requeued message with a traceback; the event ShardRequeued is enough
    logging.getLogger("celery.app.trace").setLevel(logging.ERROR)


def _hide_passwords(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in line.items()}


def _escape_values(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """One event is one line; the lines of a traceback are indented."""
    return {
        key: (indented if key in _OF_LINES else one_line)(value)
        if isinstance(value, str)
        else value
        for key, value in line.items()
    }


def _escape_json(_: WrappedLogger, __: str, line: Any) -> str:
    return one_line(line)


def log_event(event: Event) -> None:
    """Log one line with the fields of the event; stage times are in whole milliseconds.

    Events that occur many times per file are not logged; they are counted in /metrics.
    """
    if isinstance(event, BatchRecognised | InferenceTime):
        return
    fields = {key: value for key, value in asdict(event).items() if value not in (None, (), {})}
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
    if isinstance(event, FileFinished):
        fields["stages_ms"] = {k: round(1000 * v) for k, v in fields.pop("stages_s", {}).items()}
    logger = structlog.stdlib.get_logger("fleet")
    (logger.warning if "error" in fields or "reason" in fields else logger.info)(name, **fields)
