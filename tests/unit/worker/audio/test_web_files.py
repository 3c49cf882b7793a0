"""A file of the web on its way through the pipeline: transcribed, and its secret kept."""

import json
from dataclasses import asdict, replace

import pytest

from funasr_fleet.worker.audio.sources import SourceByAddress, WebAudio
from funasr_fleet.worker.audio.sources.web_request import HttpClient
from tests.support.audio import tone, wav
from tests.support.examples import OUTPUT, a_ref, a_shard, who
from tests.support.fake_pipeline import Workbench
from tests.support.web import NAME, WebHost, page

HUSH = "X-Amz-Signature=hush-4711"


def _run(bench: Workbench, *uris: str, hosts: frozenset[str] = frozenset({NAME})) -> None:
    client = HttpClient(resolve=lambda *_: ["127.0.0.1"], is_public=lambda _: True)
    audio = SourceByAddress(bench.store, WebAudio(hosts=hosts, client=client))
    shard = a_shard(*(a_ref(uri, index=number) for number, uri in enumerate(uris)))
    replace(bench.pipeline, audio=audio).run(shard, who(), lambda *_: None)


def _all_that_was_told(bench: Workbench) -> str:
    written = [body.decode() for body in bench.store.objects["out"].values()]
    return json.dumps([written, [asdict(event) for event in bench.finished]])


def test_audio_over_http_is_transcribed_and_its_query_appears_nowhere(
    bench: Workbench, host: WebHost
) -> None:
    host.pages[f"/calls/a.wav?{HUSH}"] = page(200, wav(tone(1)), ETag='"e"')
    uri = f"http://{NAME}:{host.port}/calls/a.wav?{HUSH}"
    _run(bench, uri, bench.upload("b.wav"))
    assert bench.outputs() == ["b.wav.json", "calls/a.wav.json"]
    audio = bench.document("calls/a.wav.json")["audio"]
    assert audio["uri"] == f"http://{NAME}:{host.port}/calls/a.wav"
    assert audio["etag"] == '"e"'
    assert "hush" not in _all_that_was_told(bench)


@pytest.mark.parametrize("etag", [{"ETag": '"e"'}, {}])
def test_a_finished_file_over_http_is_skipped(
    bench: Workbench, host: WebHost, etag: dict[str, str]
) -> None:
    host.pages["/a.wav?1"] = host.pages["/a.wav?2"] = page(200, wav(tone(1)), **etag)
    uri = f"http://{NAME}:{host.port}/a.wav?"
    for number in (1, 1, 2):
        _run(bench, f"{uri}{number}")
    assert bench.outcomes == ["ok", "skipped", "ok"]


def test_a_missing_file_over_http_is_reported_without_its_query(
    bench: Workbench, host: WebHost
) -> None:
    _run(bench, f"http://{NAME}:{host.port}/gone.wav?{HUSH}")
    error = bench.document("gone.wav.error.json")
    assert error["error"]["kind"] == "audio_missing"
    assert "hush" not in _all_that_was_told(bench)


def test_without_allowed_hosts_access_is_denied(bench: Workbench, host: WebHost) -> None:
    _run(bench, f"http://{NAME}:{host.port}/a.wav?{HUSH}", hosts=frozenset())
    error = json.loads(bench.store.objects["out"][OUTPUT[len("s3://out/") :] + "a.wav.error.json"])
    assert error["error"]["kind"] == "access_denied"
    assert "its host is not in FLEET_ALLOWED_HTTP_HOSTS" in error["error"]["message"]
    assert not host.asked
    assert "hush" not in _all_that_was_told(bench)
