"""One structured line per event, as text for people or JSON for machines."""

import logging
import re
import sys
from dataclasses import asdict
from typing import Any, Literal

import structlog

from contract.settings import redact
from worker.events import BatchRecognised, Event, FileFinished, ModelsWorked


def configure_logging(form: Literal["text", "json"]) -> None:
    """Send everything, Celery's and FunASR's lines included, through one renderer to stderr."""
    stamps: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_passwords,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*stamps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=stamps,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # FunASR tells its every step through the root logger
    for name in ("fleet", "worker", "celery.worker.consumer", "celery.apps.worker"):
        logging.getLogger(name).setLevel(logging.INFO)
    # what is handed back is told by our own event, without a traceback
    logging.getLogger("celery.app.trace").setLevel(logging.ERROR)


def _hide_passwords(_: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in line.items()}


def log_event(event: Event) -> None:
    """One line, its fields those of the event; times in whole milliseconds.

    What happens many times a file has its numbers on /metrics instead.
    """
    if isinstance(event, BatchRecognised | ModelsWorked):
        return
    fields = {key: value for key, value in asdict(event).items() if value not in (None, (), {})}
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
    if isinstance(event, FileFinished):
        fields["stages_ms"] = {k: round(1000 * v) for k, v in fields.pop("stages_s", {}).items()}
    logger = structlog.stdlib.get_logger("fleet")
    (logger.warning if "error" in fields or "reason" in fields else logger.info)(name, **fields)
