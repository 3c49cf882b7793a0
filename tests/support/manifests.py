"""What tests of sources begin with."""

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, Source
from tests.support.memory_store import MemoryStore


def a_store(*keys: str) -> MemoryStore:
    """A bucket `in` with these objects of five bytes."""
    store = MemoryStore("in")
    for key in keys:
        store.write(f"s3://in/{key}", b"12345", "")
    return store


def items(source: Source) -> list[AudioRef | BadRow]:
    """All that a source yields, without positions."""
    return [found.item for found in source.after("")]


def refs(source: Source) -> list[AudioRef]:
    """The references of a source in which nothing is bad."""
    return [whole(item) for item in items(source)]


def whole(item: AudioRef | BadRow) -> AudioRef:
    """An item that is no bad row."""
    assert isinstance(item, AudioRef), str(item)
    return item


def reason(item: AudioRef | BadRow) -> str:
    """Where a bad row is and why it is bad."""
    assert isinstance(item, BadRow), str(item)
    return str(item)


def goes_on_behind_each(source: Source) -> bool:
    """Whether a source that is asked to go on behind any position yields just the rest."""
    all_of_it = list(source.after(""))
    rests = ((source.after(found.position), n) for n, found in enumerate(all_of_it, start=1))
    return all(list(rest) == all_of_it[n:] for rest, n in rests)
