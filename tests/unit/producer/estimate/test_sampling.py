"""Files are measured in their order, and what cannot be read is unknown, never an error."""

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.estimate.ranges import BLOCK_BYTES
from funasr_fleet.producer.estimate.sampling import measure
from funasr_fleet.storage.base import CredentialsRefused, MemoryStore, StoreUnavailable
from tests.support.audio import silent_wav
from tests.support.examples import a_ref


def stored(store: MemoryStore, name: str, body: bytes) -> AudioRef:
    store.write(f"s3://in/{name}", body, "audio/any")
    return a_ref(f"s3://in/{name}", bytes=len(body))


def test_what_cannot_be_read_is_unknown_and_the_others_are_measured_in_order() -> None:
    store = MemoryStore("in")
    refs = [
        stored(store, "no.mp3", b"this is no audio at all\n" * 99),
        stored(store, "screen.webm", (SAMPLES / "browser-recording.webm").read_bytes()),
        stored(store, "voice.amr", b"#!AMR\n" + bytes(3200)),
        stored(store, "cut.m4a", b"\0\0\0\x20ftypM4A " + bytes(20)),
        stored(store, "empty.wav", b""),
        a_ref("s3://in/missing.wav", bytes=99),
        a_ref("s3://in/missing-and-of-unknown-size.wav"),
        a_ref("s3://no-bucket/a.wav"),
        stored(store, "good.wav", silent_wav(32_000)),
    ]
    found = measure(refs, store)
    assert [one.ref for one in found] == refs
    assert [one.duration_ms for one in found] == [None] * 8 + [1_000]


def test_the_size_that_a_manifest_leaves_out_is_looked_up() -> None:
    store = MemoryStore("in")
    size = stored(store, "a.wav", silent_wav(64_000)).size_bytes
    stored(store, "a.wav.json", b"something that begins with the same name")
    (found,) = measure([a_ref("s3://in/a.wav")], store)
    assert (found.size_bytes, found.duration_ms) == (size, 2_000)


@pytest.mark.parametrize("start", [0, BLOCK_BYTES])
@pytest.mark.parametrize("error", [StoreUnavailable("away"), CredentialsRefused("refused")])
def test_storage_that_does_not_work_at_all_is_an_error(error: Exception, start: int) -> None:
    class Away(MemoryStore):
        def open_range(self, uri: str, start_: int, length: int) -> bytes:
            if start_ >= start:
                raise error
            return super().open_range(uri, start_, length)

    store = Away("in")
    movie = stored(store, "a.mp4", (SAMPLES / "screen-recording.mp4").read_bytes())
    with pytest.raises(type(error)):
        measure([movie], store)
