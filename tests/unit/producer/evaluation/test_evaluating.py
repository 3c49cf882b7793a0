"""References against outputs: compared files, files left out with the reason, and totals."""

import json
from typing import Any

import pytest

from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.errors import OptionsRefused
from funasr_fleet.producer.evaluation.evaluating import evaluate
from funasr_fleet.producer.evaluation.result import Evaluation
from funasr_fleet.storage.base import BucketMissing, ObjectDenied, StoreUnavailable
from tests.support.examples import a_receipt, a_segment, a_transcript, an_error_report
from tests.support.memory_store import MemoryStore
from tests.support.stores import WatchedStore

OUTPUT = "s3://out/x/"
MANIFEST = "s3://in/said.jsonl"


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("in", "out")


def _hear(
    store: MemoryStore, relative: str, text: str, model: str = "demo", language: str = "en"
) -> None:
    made = a_transcript(a_segment(0, 9, text), receipt=a_receipt(model=model), language=language)
    store.write(output_uri(OUTPUT, relative, "json"), made.to_json(), "")


def _fail(store: MemoryStore, relative: str) -> None:
    store.write(error_uri(OUTPUT, relative), an_error_report().to_json(), "")


def _say(store: MemoryStore, texts: dict[str, str | None], **more: Any) -> None:
    rows = [{"audio": f"s3://in/{name}", "text": text, **more} for name, text in texts.items()]
    store.write(MANIFEST, "\n".join(map(json.dumps, rows)).encode(), "")


def _evaluate(store: MemoryStore, **how: Any) -> Evaluation:
    return evaluate(MANIFEST, output=OUTPUT, store=store, **how)


def test_totals_weigh_files_by_their_words(store: WatchedStore) -> None:
    _say(store, {"a.wav": "one two three four", "b.wav": "five"})
    _hear(store, "a.wav", "One, two, three, four.")
    _hear(store, "b.wav", "nine")
    found = _evaluate(store)
    assert found.whole
    assert found.models == ("demo",)
    total = found.to_json()["wer"]
    assert (total["files"], total["words"], total["substitutions"]) == (2, 5, 1)
    assert total["rate"] == 0.2  # and not the mean of 0 and 1
    assert found.to_json()["cer"] is None


def test_scripts_are_counted_separately(store: WatchedStore) -> None:
    _say(store, {"en.wav": "hello world", "zh.wav": "你好 世界"})
    _hear(store, "en.wav", "hello")
    _hear(store, "zh.wav", "你好世间")
    document = _evaluate(store).to_json()
    assert document["metrics"] == ("wer", "cer")
    assert (document["wer"]["deletions"], document["wer"]["words"]) == (1, 2)
    assert (document["cer"]["substitutions"], document["cer"]["words"]) == (1, 4)


def test_the_default_language_applies_to_rows_without_one(store: WatchedStore) -> None:
    _say(store, {"a.wav": "ok"})
    _hear(store, "a.wav", "ok")
    assert _evaluate(store, language="zh").metrics == ("cer",)
    assert _evaluate(store, language="zh", metric="wer").metrics == ("wer",)
    _say(store, {"a.wav": "ok"}, language="en")
    assert _evaluate(store, language="zh").metrics == ("wer",)


def test_the_rules_of_whisper_take_the_language_of_a_transcript_without_another(
    store: WatchedStore,
) -> None:
    _say(store, {"a.wav": "I won't pay twenty five dollars"})
    _hear(store, "a.wav", "I will not pay $25.")
    assert _evaluate(store, normalizer="whisper").to_json()["wer"]["errors"] == 0
    assert _evaluate(store, normalizer="whisper", language="fr").to_json()["wer"]["errors"] > 0
    _hear(store, "a.wav", "I will not pay $25.", language="fr")
    assert _evaluate(store, normalizer="whisper").to_json()["wer"]["errors"] > 0
    assert _evaluate(store, normalizer="whisper", language="en").to_json()["wer"]["errors"] == 0


def test_the_language_of_a_transcript_does_not_select_the_metric(store: WatchedStore) -> None:
    _say(store, {"a.wav": "\u4f60\u597d \u4e16\u754c"})
    _hear(store, "a.wav", "hello", language="en")
    assert _evaluate(store, normalizer="whisper").metrics == ("cer",)
    assert _evaluate(store).metrics == ("cer",)


@pytest.mark.parametrize("given", ["zh", "zh_CN", "ZH", "mandarin", "chinese"])
def test_a_language_may_have_any_usual_form(store: WatchedStore, given: str) -> None:
    _say(store, {"a.wav": "ok"})
    _hear(store, "a.wav", "ok")
    assert _evaluate(store, language=given).metrics == ("cer",)
    _say(store, {"a.wav": "ok"}, language=given)
    assert _evaluate(store).metrics == ("cer",)


def test_an_unknown_language_is_refused(store: WatchedStore) -> None:
    _say(store, {"a.wav": "ok"}, language="xx")
    assert "line 1: language: must be a language" in _evaluate(store).bad_rows[0]
    with pytest.raises(OptionsRefused, match="language must be a language, such as en"):
        _evaluate(store, language="xx")


@pytest.mark.parametrize("auto", ["auto", "Auto", ""])
def test_language_auto_counts_as_no_language(store: WatchedStore, auto: str) -> None:
    _say(store, {"a.wav": "ok"}, language=auto)
    _hear(store, "a.wav", "ok")
    assert _evaluate(store, language="zh").metrics == ("cer",)
    assert _evaluate(store).metrics == ("wer",)


def test_omitted_files_are_counted_separately_with_reasons(store: WatchedStore) -> None:
    said = {"good.wav": "yes", "none.wav": "yes", "bad.wav": "yes", "mute.wav": None}
    _say(store, said)
    _hear(store, "good.wav", "yes")
    _hear(store, "mute.wav", "nobody looks at this")
    _fail(store, "bad.wav")
    found = _evaluate(store)
    assert not found.whole
    document = found.to_json()
    counted = ("files", "compared", "missing", "failed", "without_text", "bad_rows")
    assert [document[name] for name in counted] == [4, 1, 1, 1, 1, 0]
    assert document["wer"]["words"] == 1
    assert [row["outcome"] for row in document["rows"]] == [
        "compared",
        "missing",
        "failed",
        "without_text",
    ]
    assert document["rows"][2]["reason"] == "audio_missing: gone"
    assert not any("mute" in uri for uri in store.reads)


def test_a_result_takes_precedence_over_an_older_error(store: WatchedStore) -> None:
    _say(store, {"a.wav": "yes"})
    _fail(store, "a.wav")
    _hear(store, "a.wav", "yes")
    assert _evaluate(store).whole


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"text": 7}', b'{"text": "a"}', b"\xff"])
def test_an_invalid_transcript_counts_as_failed(store: WatchedStore, body: bytes) -> None:
    _say(store, {"a.wav": "yes"})
    store.write(output_uri(OUTPUT, "a.wav", "json"), body, "")
    (row,) = _evaluate(store).rows
    assert row.outcome == "failed"
    assert row.reason == "s3://out/x/a.wav.json is not a valid transcript"


def test_text_in_silence_counts_as_insertions_without_a_rate(store: WatchedStore) -> None:
    _say(store, {"a.wav": ""})
    _hear(store, "a.wav", "thank you")
    document = _evaluate(store).to_json()
    assert (document["wer"]["insertions"], document["wer"]["rate"]) == (2, None)
    json.dumps(document, allow_nan=False)


def test_the_worst_files_have_the_highest_rate_and_at_least_one_error(store: WatchedStore) -> None:
    said = {"a": "one two", "b": "one two three", "c": "one", "d": ""}
    _say(store, dict(said))
    for name, text in {"a": "one", "b": "one", "c": "one", "d": "a b c"}.items():
        _hear(store, name, text)
    found = _evaluate(store)
    assert [row.relative for row in found.worst(9)] == ["d", "b", "a"]
    assert len(found.worst(1)) == 1
    assert found.worst(0) == []


def test_results_keep_the_order_of_the_references(store: WatchedStore) -> None:
    names = [f"{n:03}.wav" for n in range(300)]
    _say(store, dict.fromkeys(names, "yes"))
    for name in names:
        _hear(store, name, "yes", model=f"model-{int(name[:3]) % 2}")
    found = _evaluate(store)
    assert [row.relative for row in found.rows] == names
    assert found.total("wer").words == 300
    assert found.models == ("model-0", "model-1")


def test_bad_rows_are_named_and_the_others_compared(store: WatchedStore) -> None:
    row = json.dumps({"audio": "s3://in/a.wav", "text": "yes"})
    store.write(MANIFEST, f"nonsense\n{row}\n".encode(), "")
    _hear(store, "a.wav", "yes")
    found = _evaluate(store)
    assert not found.whole
    assert found.count("compared") == 1
    assert "line 1" in found.bad_rows[0]


def test_a_denied_result_counts_as_missing(store: WatchedStore) -> None:
    _say(store, {"a.wav": "yes"})
    store.denied, store.error = (".json",), ObjectDenied("access to it was denied")
    (row,) = _evaluate(store).rows
    assert (row.outcome, row.reason) == ("missing", "access to it was denied")


def test_unavailable_storage_ends_the_evaluation(store: WatchedStore) -> None:
    _say(store, {"a.wav": "yes"})
    with pytest.raises(BucketMissing):
        evaluate(MANIFEST, output="s3://none/", store=store)
    store.denied, store.error = (".json",), StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        _evaluate(store)


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_a_manifest_without_rows_is_wrong_usage(store: WatchedStore, body: bytes) -> None:
    store.write(MANIFEST, body, "")
    with pytest.raises(BadSource, match=r"said\.jsonl: The references have no row: add"):
        _evaluate(store)
