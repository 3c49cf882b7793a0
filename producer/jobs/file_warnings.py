"""Warnings of a job's files, read from the ledger."""

from funasr_fleet.broker.job_report import WarningGroup, group_warnings
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.producer.jobs.status import counts_of
from funasr_fleet.settings import Settings


def file_warnings(job: str, settings: Settings | None = None) -> tuple[WarningGroup, ...]:
    """Transcribed files of a job that have a warning, by kind, the most frequent kind first.

    Raises:
        NoSuchJob: the ledger has no such job.
        BrokerUnavailable: Redis is unavailable.
    """
    settings = settings or Settings.load()
    ledger = LedgerReader(connect(settings), settings.key_prefix)
    return group_warnings(counts_of(ledger, job), ledger.warning_examples(job))
