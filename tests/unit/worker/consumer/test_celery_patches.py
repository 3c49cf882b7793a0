"""The worker starts only with the upstream code that its changes were tested against."""

from dataclasses import replace

import pytest

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.consumer import celery_patches


def test_the_installed_versions_are_those_that_were_tested() -> None:
    celery_patches.check()


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "0" * 16},
        {"name": "kombu.transport.redis:NoSuchClass"},
        {"name": "kombu.no_such_module:QoS"},
    ],
)
def test_upstream_code_that_has_changed_is_rejected(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    first, *others = celery_patches.TARGETS
    target = replace(first, **changed)
    monkeypatch.setattr(celery_patches, "TARGETS", (target, *others))
    with pytest.raises(BadConfiguration, match=f"^the installed code of {target.name} differs"):
        celery_patches.check()
