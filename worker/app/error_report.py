"""Writes the .error.json of a file that failed outside the pipeline."""

import contextlib
from collections.abc import Iterator

from funasr_fleet.contract.transcript import AudioInfo, utc_now
from funasr_fleet.storage.base import StoreError, StoreUnavailable
from funasr_fleet.worker.error_handling import SendToDeadLetters, Skip
from funasr_fleet.worker.errors import OutputUnwritable
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.result_writer import RunContext, write_error


def put_error_report(
    outputs: Outputs,
    failure: Skip,
    run: RunContext,
    audio: AudioInfo,
    because: SendToDeadLetters | None = None,
) -> bool:
    """Write the .error.json of a file.

    Args:
        outputs: the outputs of the file.
        failure: why it failed.
        run: the worker and the attempt.
        audio: the file.
        because: why its shard is a dead letter, if it is.

    Returns:
        Whether the report was written; False if storage rejects it permanently, or is unavailable
        and was so for the dead letter.

    Raises:
        StoreUnavailable: storage is unavailable, and this is not why the shard is a dead letter.
    """
    with tolerating(because):
        outputs.write_error(write_error(failure, run, audio, utc_now()))
        return True
    return False


@contextlib.contextmanager
def tolerating(because: SendToDeadLetters | None) -> Iterator[None]:
    """Ignore permanent storage errors, and any storage error if storage caused the dead letter.

    Storage causes a dead letter if it failed in every retry of the shard.
    """
    try:
        yield
    except StoreUnavailable:
        if because is None or not because.is_last_retry:
            raise
    except (StoreError, OutputUnwritable):
        pass
