"""/metrics, /healthz and /readyz of a worker after a finished job."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fleet_up import Up


@pytest.fixture(scope="module")
def page(up: Up, job: str) -> str:
    status, text = up.page("/metrics")
    assert status == 200
    return text


def test_the_page_is_valid_for_prometheus(page: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert list(text_string_to_metric_families(page))
        return
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_exports_the_work_done_and_the_device(page: str) -> None:
    families = {family.name: family for family in text_string_to_metric_families(page)}
    samples = {sample.name: sample for family in families.values() for sample in family.samples}
    assert samples["asr_audio_seconds_total"].value > 60
    stages = {s.labels["stage"] for s in families["asr_stage_seconds"].samples}
    assert stages >= {"fetch", "decode", "vad", "recognise", "write"}
    outcomes = {s.labels["outcome"] for s in families["asr_files"].samples}
    assert outcomes >= {"ok", "empty", "failed"}
    assert samples["asr_device_info"].labels["device"] == "cpu"
    assert samples["asr_device_expected"].value == 1
    assert samples["asr_model_ready"].value == 1
    assert samples["asr_torch_threads"].value >= 1
    assert samples["asr_resident_bytes"].value > 1e8
    assert samples["asr_queue_wait_seconds_count"].value >= 1
    assert samples["asr_model_load_seconds"].value > 0
    assert 0 <= samples["asr_device_utilization_ratio"].value <= 1


def test_the_worker_is_healthy_and_ready(up: Up) -> None:
    assert up.page("/healthz") == (200, "ok\n")
    assert up.page("/readyz") == (200, "ok\n")
    assert up.page("/nothing")[0] == 404
