"""`fleet enqueue --dry-run`: estimate files, audio hours, time and cost of a backlog."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.arguments import check_number
from funasr_fleet.producer.discovery import open_source
from funasr_fleet.producer.discovery.ignored import IgnoredCounts
from funasr_fleet.producer.discovery.interface import BadRow, Filters, Found, Ignored
from funasr_fleet.producer.estimate.cost import DryRun, Span, choose_rtfx
from funasr_fleet.producer.estimate.durations import Measured, measure
from funasr_fleet.producer.estimate.headers import Headers, LocalOrStoredHeaders, preview_folder
from funasr_fleet.producer.estimate.stratified import Estimate, Key, Strata, ratio_estimate
from funasr_fleet.producer.planning.estimating import estimate_ms
from funasr_fleet.producer.planning.output_names import OutputNames
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.storage.base import ObjectStore

SAMPLE_FILES = 64
"""Sampled files of a backlog of any size; rare formats add a few."""

_DEVIATIONS = 2.0
"""Half width of the band in standard errors: about 95 % of a normal distribution."""

_BAD_ROWS_KEPT = 5


@dataclass(kw_only=True)
class _Tally:
    """Counts made while iterating over the sources."""

    files: int = 0
    bytes: int = 0
    files_of_unknown_size: int = 0
    bad_rows: int = 0
    bad_examples: list[str] = field(default_factory=list)
    empty_files: int = 0
    known_ms: int = 0
    ignored: IgnoredCounts = field(default_factory=IgnoredCounts)


def estimate_sources(  # noqa: PLR0913 - the keywords of api.estimate
    request: JobRequest,
    store: ObjectStore,
    *,
    strict: bool = False,
    workers: Iterable[WorkerSeen] = (),
    gpus: int = 1,
    rtfx: float | None = None,
    gpu_hour_price: float | None = None,
) -> DryRun:
    """Estimate what `enqueue` with the same request would process; nothing is published.

    Files with an up-to-date result are included. Local folders are not uploaded. The other
    arguments are those of dry_run.

    Raises:
        BadArgument: a number is out of range.
        BadSource: a source cannot be read, or it has an invalid row and `strict` is set.
        StoreError: an S3 request failed.
    """
    check_number("gpus", gpus, 1, whole=True, required=True)
    check_number("rtfx", rtfx, 0.001)
    check_number("gpu_hour_price", gpu_hour_price, 0)
    wanted = Filters(suffixes=request.suffixes or None, since=request.since)
    folders = [preview_folder(text, request.upload, wanted) for text in request.sources]
    opened = [
        folder or open_source(text, store, request.upload, wanted)
        for text, folder in zip(request.sources, folders, strict=True)
    ]
    with OutputNames(request.output) as names:
        found = names.deduplicate(itertools.chain.from_iterable(one.after("") for one in opened))
        return dry_run(
            _at_most(request.limit, _strictly(found) if strict else found),
            LocalOrStoredHeaders(store, [folder for folder in folders if folder]),
            gpus=gpus,
            rtfx=rtfx,
            gpu_hour_price=gpu_hour_price,
            workers=workers,
        )


def _strictly(found: Iterable[Found]) -> Iterator[Found]:
    """The items; the first invalid row raises BadSource."""
    for one in found:
        if isinstance(one.item, BadRow):
            raise one.item.as_error()
        yield one


def _at_most(limit: int | None, found: Iterable[Found]) -> Iterator[Found]:
    """The items up to this number of references; other items do not count."""
    left = math.inf if limit is None else limit
    for one in found:
        yield one
        left -= isinstance(one.item, AudioRef)
        if left <= 0:
            return


def dry_run(  # noqa: PLR0913 - each is an option of the command
    found: Iterable[Found],
    store: Headers,
    *,
    gpus: int = 1,
    rtfx: float | None = None,
    gpu_hour_price: float | None = None,
    workers: Iterable[WorkerSeen] = (),
    seed: int = 0,
) -> DryRun:
    """Count a backlog and estimate its audio, from which DryRun derives time and cost.

    Args:
        found: the items of the sources.
        store: storage from which headers are read.
        gpus: number of GPUs; at least 1.
        rtfx: audio seconds per second of one GPU, above 0; default: as measured by the workers.
        gpu_hour_price: price of one GPU hour, in any currency.
        workers: the worker children in the ledger.
        seed: random seed of the sample.

    Raises:
        BadSource: a source cannot be read.
        StoreError: an S3 request failed.
    """
    strata, tally = Strata(SAMPLE_FILES, seed), _Tally()
    _walk(found, strata, tally)
    sample = {key: measure(refs, store) for key, refs in strata.sample().items()}
    estimates = {key: _estimate(strata, key, some) for key, some in sample.items()}
    speed, basis = choose_rtfx(rtfx, workers)
    return DryRun(
        **{**vars(tally), "ignored": tally.ignored.by_suffix()},
        sampled=sum(map(len, sample.values())),
        measured=sum(one.duration_ms is not None for some in sample.values() for one in some),
        typical_ms=round(
            sum(strata.by_key[key].typical_ms for key, one in estimates.items() if one is None)
        ),
        audio_ms=_total(tally, strata, estimates),
        bytes_per_second=_rates(sample),
        gpus=gpus,
        rtfx=speed,
        rtfx_basis=basis,
        gpu_hour_price=gpu_hour_price,
    )


def _walk(found: Iterable[Found], strata: Strata, tally: _Tally) -> None:
    for _, item, duration_ms in found:
        if isinstance(item, Ignored):
            tally.ignored.add(item)
            continue
        if isinstance(item, BadRow):
            tally.bad_rows += 1
            if len(tally.bad_examples) < _BAD_ROWS_KEPT:
                tally.bad_examples.append(str(item))
            continue
        tally.files += 1
        if item.size_bytes is None:
            tally.files_of_unknown_size += 1
        else:
            tally.bytes += item.size_bytes
            tally.empty_files += item.size_bytes == 0
        if duration_ms is not None or item.end_ms is not None:
            tally.known_ms += estimate_ms(item, duration_ms)
        elif item.size_bytes != 0:  # an empty file has no audio, and no header to measure
            strata.add(item)


def _estimate(strata: Strata, key: Key, some: list[Measured]) -> Estimate | None:
    sized, stratum = key[1], strata.by_key[key]
    pairs = [
        (
            float(one.ref.size_bytes or 0) if sized else 1.0,
            float(max(0, one.duration_ms - (one.ref.start_ms or 0))),
        )
        for one in some
        if one.duration_ms is not None
    ]
    return ratio_estimate(pairs, stratum.files, stratum.weight)


def _total(tally: _Tally, strata: Strata, estimates: dict[Key, Estimate | None]) -> Span:
    likely, variance = float(tally.known_ms), 0.0
    for key, estimate in estimates.items():
        likely += estimate.audio_ms if estimate else strata.by_key[key].typical_ms
        variance += estimate.variance if estimate else 0.0
    margin = _DEVIATIONS * math.sqrt(variance)
    return Span(likely=likely, low=max(0.0, likely - margin), high=likely + margin)


def _rates(sample: dict[Key, list[Measured]]) -> dict[str, int]:
    """Measured bytes per second of audio, by suffix."""
    sums: dict[str, list[int]] = {}
    for (suffix, _), some in sample.items():
        for one in some:
            if suffix and one.size_bytes and one.duration_ms:
                total = sums.setdefault(suffix, [0, 0])
                total[0] += one.size_bytes
                total[1] += one.duration_ms
    return {suffix: max(1, round(1000 * size / ms)) for suffix, (size, ms) in sorted(sums.items())}
