"""Documents in the output bucket that are not results."""

import pytest

from funasr_fleet.worker.pipeline.output_store import Outputs
from tests.support.examples import OUTPUT
from tests.support.stores import WatchedStore


@pytest.mark.parametrize("body", [b"[" * 2_000_000, b"[]", b"7", b'{"receipt": 1, "audio": 2}'])
def test_a_document_that_is_not_a_result_is_replaced(body: bytes) -> None:
    store = WatchedStore("out")
    store.write(f"{OUTPUT}calls/a.wav.json", body, "")
    assert Outputs(store, OUTPUT, "calls/a.wav").existing(None) is None
