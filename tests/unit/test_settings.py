"""Settings: environment over fleet.toml over default, and errors that name what to correct."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from funasr_fleet.settings import BadConfiguration, Settings, redact, refuse_unknown


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FLEET_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_configuration_the_defaults_apply() -> None:
    settings = Settings.load()
    assert settings.broker_url == "redis://127.0.0.1:6379/0"
    assert (settings.metrics_port, settings.devices) == (9464, "auto")
    assert (settings.on_missing_gpu, settings.torch_threads) == ("fail", "auto")


def test_an_argument_beats_the_environment_which_beats_the_file_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("fleet.toml").write_text('model = "file"\nqueue = "file"\nvad_model = "file"\n')
    monkeypatch.setenv("FLEET_MODEL", "environment")
    monkeypatch.setenv("FLEET_QUEUE", "environment")
    settings = Settings.load(model="argument", queue=None)
    assert settings.model == "argument"
    assert settings.queue == "environment"
    assert settings.vad_model == "file"
    assert settings.punc_model == ""


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("FLEET_MODELL", "FLEET_MODEL"),
        ("FLEET_BROKER", "FLEET_BROKER_URL"),
        ("FLEET_METRICSPORT", "FLEET_METRICS_PORT"),
        ("FLEET_THREADS", "FLEET_TORCH_THREADS"),
    ],
)
def test_a_misspelt_variable_is_an_error_that_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(misspelt, "hush")
    with pytest.raises(BadConfiguration, match=rf"{misspelt} is not .* {meant}\?") as caught:
        Settings.load()
    assert "hush" not in str(caught.value)


def test_other_programs_variables_are_left_alone() -> None:
    refuse_unknown({"AWS_REGION": "x", "FLEETING": "x", "PATH": "x"})


def test_a_misspelt_name_in_the_file_is_an_error_that_names_the_nearest() -> None:
    Path("fleet.toml").write_text('modell = "x"\n')
    with pytest.raises(BadConfiguration, match=r"modell in fleet.toml .* mean model\?"):
        Settings.load()


def test_an_invalid_toml_file_is_an_error_that_names_the_file() -> None:
    Path("fleet.toml").write_text("model = \n")
    with pytest.raises(BadConfiguration, match=r"fleet\.toml"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_URL", "amqp://guest:hush@host"),
        ("BROKER_URL", "redis://:hush/hush@host/0"),
        ("BATCH_SECONDS", "0"),
        ("BATCH_SECONDS", "hush"),
        ("PRECISION", "int8"),
        ("METRICS_PORT", "65536"),
        ("METRICS_PORT", ""),
        ("LOG_FORMAT", "xml"),
        ("ON_MISSING_GPU", "hush"),
        ("TORCH_THREADS", "0"),
        ("TORCH_THREADS", "many"),
        ("VISIBILITY_TIMEOUT_S", "1"),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_AUDIO_S", "-1"),
        ("SCRATCH", "s3://bucket/no-slash"),
        ("SCRATCH", "hush/"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FLEET_{name}", value)
    with pytest.raises(BadConfiguration, match=f"FLEET_{name}: ") as caught:
        Settings.load()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h:6380/1"])
def test_redis_urls_with_and_without_tls_are_accepted(url: str) -> None:
    assert Settings.load(broker_url=url).broker_url == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hush@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://user:hush@host/0", "rediss://user:***@host/0"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("cannot reach redis://u:hush@a and redis://u:hush@b", None),
        ("redis://:hush@hush@host/0", "redis://:***@host/0"),
        ("redis://:hush:hush@host/0", "redis://:***@host/0"),
        ("GET https://h/a?X-Sig=hush&b=hush failed", "GET https://h/a?*** failed"),
        ("http://u:hush@h/a#hush", "http://u:***@h/a?***"),
        ("what is s3://b/a? redis://h/0?db=1", "what is s3://b/a? redis://h/0?db=1"),
    ],
)
def test_a_password_in_an_address_is_never_shown(url: str, shown: str | None) -> None:
    assert "hush" not in redact(url)
    assert shown is None or redact(url) == shown


def test_every_setting_is_shown_and_no_password() -> None:
    shown = Settings.load(broker_url="redis://:hush@host/0").redacted()
    assert set(shown) == set(Settings.model_fields)
    assert shown["broker_url"] == "redis://:***@host/0"


def test_settings_cannot_be_changed_once_they_are_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().model = "other"  # type: ignore[misc]


@given(
    st.builds(
        Settings,
        broker_url=st.sampled_from(["redis://h:1/0", "rediss://:p%40@h/1"]),
        key_prefix=st.text("ab:-", max_size=5),
        devices=st.sampled_from(["auto", "cpu", "0,1", "GPU-ab"]),
        torch_threads=st.just("auto") | st.integers(1, 64),
        batch_seconds=st.floats(0.5, 1e4),
        metrics_port=st.integers(0, 65535),
        max_audio_s=st.floats(0.5, 1e6),
        scratch=st.sampled_from(["", "s3://bucket/", "s3://bucket/a b/"]),
        run_dir=st.just(Path("/run/fleet dir")),
    )
)
def test_settings_survive_the_environment_of_another_process(settings: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.to_environment().items():
            patch.setenv(name, value)
        assert Settings.load() == settings
