"""The embedded stack sees nothing of the caller's own fleet or cloud."""

import os

import pytest

from funasr_fleet.embedded.environment import adopt, isolated
from funasr_fleet.settings import Settings


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLEET_KEY_PREFIX", "AWS_PROFILE", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.mark.usefixtures("foreign")
def test_settings_profiles_and_proxies_of_the_caller_are_left_out() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert "theirs" not in environment.values()
    assert environment["LANG"] == "C.UTF-8"


def test_every_setting_is_named_so_that_no_file_can_change_it() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert environment["FLEET_MODEL"] == "demo"
    named = {name for name in environment if name.startswith("FLEET_")}
    assert named == {f"FLEET_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.usefixtures("foreign")
def test_adopting_it_makes_it_this_process_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    try:
        adopt({"FLEET_MODEL": "demo"})
        assert Settings.load().model == "demo"
        assert Settings.load().key_prefix == ""
    finally:
        os.environ.clear()
        os.environ.update(before)
