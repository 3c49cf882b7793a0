"""What torch says of a device, told apart: too small, lost, or none of its business."""

import pytest

from funasr_fleet.worker.engine.device_errors import retry_on_oom, translate_errors
from funasr_fleet.worker.errors import DeviceLost, ModelError, OutOfDeviceMemory

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: out of memory"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when ..."), OutOfDeviceMemory),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), OutOfDeviceMemory),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLost),
        (RuntimeError("... device-side assert triggered"), DeviceLost),
        (ValueError("math domain error"), ModelError),
    ],
)
def test_an_error_of_a_model_is_one_of_ours(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), translate_errors():
        raise raised


class Full:
    """Has no room the first times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.told = 0
        self.waits: list[float] = []

    def act(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise torch.OutOfMemoryError
        return "done"

    def tell(self) -> None:
        self.told += 1


@pytest.mark.parametrize(
    ("times", "told", "waits"),
    [(0, 0, []), (1, 1, [0.0]), (2, 1, [0.0, 0.5]), (4, 1, [0.0, 0.5, 2.0, 8.0])],
)
def test_what_lacks_room_is_tried_again_after_longer_and_longer(
    times: int, told: int, waits: list[float]
) -> None:
    full = Full(times)
    assert retry_on_oom(full.act, full.tell, full.waits.append) == "done"
    assert (full.told, full.waits) == (told, waits)


def test_what_never_has_room_is_an_error() -> None:
    full = Full(5)
    with pytest.raises(OutOfDeviceMemory):
        retry_on_oom(full.act, full.tell, full.waits.append)
    assert full.times == 0
