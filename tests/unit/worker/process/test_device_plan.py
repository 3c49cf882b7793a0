"""Which device, how many threads and which environment a child gets."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.process.device_plan import DeviceUnavailable, choose_devices, plan_slot

TWO = ("GPU-aa11", "GPU-bb22")


@pytest.mark.parametrize(
    ("wanted", "visible", "chosen"),
    [
        ("auto", None, ("0", "1")),
        ("auto", "1", ("1",)),
        ("auto", "1,0", ("1", "0")),
        ("auto", "GPU-bb", ("GPU-bb",)),
        ("0,1", None, ("0", "1")),
        ("0", "1", ("0",)),
        (" 1 , 0 ", None, ("1", "0")),
        ("GPU-aa11", None, ("GPU-aa11",)),
        ("GPU-bb", None, ("GPU-bb",)),
        ("0,GPU-bb22", None, ("0", "GPU-bb22")),
        ("0,0", None, ("0", "0")),
        ("MIG-77", None, ("MIG-77",)),
        ("cpu", None, ("cpu",)),
        ("cpu,cpu", None, ("cpu", "cpu")),
        ("cpu,0", None, ("cpu", "0")),
    ],
)
@pytest.mark.parametrize("on_missing", ["fail", "cpu"])
def test_each_child_gets_a_device_that_is_there(
    wanted: str, visible: str | None, chosen: tuple[str, ...], on_missing: Literal["fail", "cpu"]
) -> None:
    assert choose_devices(wanted, TWO, visible, on_missing) == chosen


MISSING = [
    ("auto", (), None, 1, "no GPU was found"),
    ("auto", TWO, "", 1, "no GPU was found"),
    ("auto", TWO, "2", 1, "GPU 2 was not found"),
    ("auto", TWO, "-1", 1, "GPU -1 was not found"),
    ("0", (), None, 1, "GPU 0 was not found"),
    ("2,3", TWO, None, 2, "GPU 2, 3 was not found"),
    ("GPU-cc33", TWO, None, 1, "GPU GPU-cc33 was not found"),
    ("", TWO, None, 1, "no GPU was found"),
]


@pytest.mark.parametrize(("wanted", "gpus", "visible", "_", "said"), MISSING)
def test_a_missing_gpu_is_an_error_that_says_what_to_do(
    wanted: str, gpus: tuple[str, ...], visible: str | None, _: int, said: str
) -> None:
    with pytest.raises(DeviceUnavailable, match=said) as caught:
        choose_devices(wanted, gpus, visible, "fail")
    assert f"{len(gpus)} present" in str(caught.value)
    assert "FLEET_DEVICES=cpu" in str(caught.value)


@pytest.mark.parametrize(("wanted", "gpus", "visible", "children", "_"), MISSING)
def test_a_missing_gpu_is_replaced_by_the_cpu_only_where_that_is_allowed(
    wanted: str, gpus: tuple[str, ...], visible: str | None, children: int, _: str
) -> None:
    assert choose_devices(wanted, gpus, visible, "cpu") == ("cpu",) * children


@pytest.mark.parametrize(
    ("devices", "cores", "threads", "each"),
    [
        (("cpu",), 8, "auto", 8),
        (("0", "1"), 8, "auto", 4),
        (("0", "1", "2"), 8, "auto", 2),
        (("0", "1"), 1, "auto", 1),
        (("0", "1"), 8, 3, 3),
        (("0", "1"), 1, 16, 16),
    ],
)
def test_cores_are_shared_out_unless_a_number_is_given(
    devices: tuple[str, ...], cores: int, threads: Literal["auto"] | int, each: int
) -> None:
    plans = [plan_slot(slot, devices, cores, threads) for slot in range(len(devices))]
    assert [plan.threads for plan in plans] == [each] * len(devices)


@given(st.integers(1, 16), st.integers(1, 256))
def test_children_together_never_want_more_cores_than_there_are(children: int, cores: int) -> None:
    plans = [plan_slot(slot, ["cpu"] * children, cores, "auto") for slot in range(children)]
    assert sum(plan.threads for plan in plans) <= max(cores, children)


@pytest.mark.parametrize(
    ("slot", "visible", "device"), [(0, "3", "cuda:0"), (1, "GPU-aa", "cuda:0"), (2, "", "cpu")]
)
def test_a_child_sees_its_own_gpu_only_and_calls_it_the_first(
    slot: int, visible: str, device: str
) -> None:
    plan = plan_slot(slot, ["3", "GPU-aa", "cpu"], 8, "auto")
    assert (plan.slot, plan.visible, plan.device) == (slot, visible, device)
    assert plan.environment["CUDA_VISIBLE_DEVICES"] == visible


@pytest.mark.parametrize("library", ["OMP", "MKL", "OPENBLAS", "NUMBA"])
def test_every_library_with_a_thread_pool_is_told_its_limit(library: str) -> None:
    assert plan_slot(0, ["cpu"], 8, 3).environment[f"{library}_NUM_THREADS"] == "3"


def test_numbers_mean_the_same_gpu_to_cuda_as_to_nvml() -> None:
    assert plan_slot(0, ["0"], 8, "auto").environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
