"""Which GPU a child's plan means."""

import pytest

from funasr_fleet.worker.app.child_process import _gpu_of
from funasr_fleet.worker.process.hardware import Gpu, plan_slot

GPUS = [Gpu(index=n, name="H100", uuid=f"GPU-{n}{n}", memory_bytes=1) for n in range(12)]


@pytest.mark.parametrize(
    ("device", "uuid"),
    [
        ("cpu", None),
        ("0", "GPU-00"),
        ("11", "GPU-1111"),
        ("GPU-22", "GPU-22"),
        ("GPU-5", "GPU-55"),
        ("MIG-7", None),
    ],
)
def test_a_gpu_is_known_by_its_number_or_the_beginning_of_its_uuid(
    device: str, uuid: str | None
) -> None:
    found = _gpu_of(plan_slot(0, [device], 2, "auto"), GPUS)
    assert (found.uuid if found else None) == uuid
