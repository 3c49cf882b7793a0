"""The mix of channels that cancel is not taken for silence."""

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.mixing import mix
from tests.support.audio import encode, noise, tone
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench

VOICE = tone(2)
OTHER = noise(2)[None]


def test_the_mix_is_the_mean_of_all_channels() -> None:
    planes = np.concatenate([VOICE, OTHER])
    mixed = mix(planes)
    np.testing.assert_allclose(mixed.samples, planes.mean(axis=0), atol=1e-7)
    assert not mixed.cancelled


@pytest.mark.parametrize("gain", [1.0, 0.9, 1.1])
def test_an_inverted_channel_is_replaced_by_the_louder_one(gain: float) -> None:
    planes = np.concatenate([VOICE, -gain * VOICE]).astype(np.float32)
    mixed = mix(planes)
    assert mixed.cancelled
    np.testing.assert_array_equal(mixed.samples, planes[int(gain > 1)])


@pytest.mark.parametrize(
    "planes",
    [
        np.concatenate([VOICE, VOICE]),
        np.concatenate([VOICE, 0 * VOICE]),
        np.concatenate([VOICE, -0.5 * VOICE]),
        np.concatenate([VOICE, *[0 * VOICE] * 15]),
        np.concatenate([0 * VOICE, 0 * VOICE]),
        1e-6 * np.concatenate([VOICE, -VOICE]),
        VOICE,
    ],
    ids=["equal", "one silent", "half inverted", "one of 16", "silence", "-120 dB", "mono"],
)
def test_other_channels_are_mixed(planes: np.ndarray) -> None:
    mixed = mix(planes.astype(np.float32))
    np.testing.assert_allclose(mixed.samples, planes.mean(axis=0), atol=1e-7)
    assert not mixed.cancelled


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac")])
def test_a_recording_with_inverted_channels_is_transcribed_with_a_warning(
    bench: Workbench, container: str, codec: str
) -> None:
    body = encode(np.concatenate([VOICE, -VOICE]), container, codec, 16_000)
    equal = np.concatenate([VOICE, VOICE])
    bench.run(a_shard(bench.upload_bytes("a", body), bench.upload("b", equal)))
    document = bench.document("a.json")
    assert document["warnings"] == ["channels_cancel"]
    assert document["audio"]["channels"] == 2
    assert max(bench.engine.loudness) == pytest.approx(0.3, abs=0.01)
    assert min(bench.engine.loudness) == pytest.approx(0.3, abs=0.01)
    assert "warnings" not in bench.document("b.json")
