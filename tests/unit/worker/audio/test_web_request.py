"""Which addresses are public, and audio over HTTP through the whole pipeline."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.audio.source import SourceByAddress
from funasr_fleet.worker.audio.web import WebAudio
from funasr_fleet.worker.audio.web_request import HttpClient, is_public
from tests.support.audio import tone, wav
from tests.support.examples import OUTPUT, a_ref, a_shard, who
from tests.support.fake_pipeline import Workbench
from tests.support.web import NAME, WebHost, page

REFUSED = {
    "this host": "127.0.0.1 127.255.255.254 0.0.0.0 :: ::1 localhost",
    "private": "10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 fc00::1 fec0::1",
    "link-local": "169.254.169.254 169.254.170.2 fe80::1 fe80::1%eth0",
    "metadata": "192.0.0.192 fd00:ec2::254 100.100.100.200 168.63.129.16 169.254.0.23",
    "metadata, embedded": "::ffff:168.63.129.16 64:ff9b::a83f:8110 2002:a83f:8110::1",
    "reserved": "192.0.2.1 198.18.0.1 203.0.113.1 240.0.0.1 255.255.255.255 2001:db8::1",
    "reserved for protocols": "192.88.99.1 100::1 100:0:0:1::1 2001:2::1 2001:10::1 5f00::1",
    "documentation": "198.51.100.1 3fff::1 3fff:fff:ffff::1",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1",
    "mapped": "::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::127.0.0.1",
    "NAT64": "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1",
    "6to4 and Teredo": "2002:7f00:1:: 2002:a9fe:a9fe::1 2001:0:7f00:1::",
    "not addresses": "1.2.3 0x7f000001",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_addresses_outside_the_public_internet_are_rejected(kind: str) -> None:
    assert [one for one in (*REFUSED[kind].split(), "") if is_public(one)] == []


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"),
        *("2001:4860:4860::8888", "2001:200::1", "2001:500:88::1"),
    ],
)
def test_public_addresses_are_accepted(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=6, network="fc00::/7"))
def test_no_address_of_a_private_network_is_public(address: object) -> None:
    assert not is_public(str(address))


HUSH = "X-Amz-Signature=hush-4711"


def _run(bench: Workbench, *uris: str, hosts: frozenset[str] = frozenset({NAME})) -> None:
    client = HttpClient(resolve=lambda *_: ["127.0.0.1"], is_public=lambda _: True)
    audio = SourceByAddress(bench.store, WebAudio(hosts=hosts, client=client))
    shard = a_shard(*(a_ref(uri, index=number) for number, uri in enumerate(uris)))
    pipeline = bench.pipeline
    pipeline = replace(pipeline, fetcher=replace(pipeline.fetcher, audio=audio))
    pipeline.run(shard, who(), lambda *_: None)


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
