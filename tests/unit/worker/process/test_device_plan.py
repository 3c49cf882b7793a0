"""The device, threads and environment of each child, and the number of usable cores."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.process import hardware as machine
from funasr_fleet.worker.process.hardware import DeviceUnavailable, choose_devices, plan_slot

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
def test_each_child_gets_an_existing_device(
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
def test_a_missing_gpu_is_an_error_with_an_alternative(
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
def test_children_together_use_no_more_cores_than_there_are(children: int, cores: int) -> None:
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
def test_every_library_with_a_thread_pool_has_its_limit(library: str) -> None:
    assert plan_slot(0, ["cpu"], 8, 3).environment[f"{library}_NUM_THREADS"] == "3"


def test_gpu_numbers_are_the_same_for_cuda_and_nvml() -> None:
    assert plan_slot(0, ["0"], 8, "auto").environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without CPU and cgroup files, whose process may run on eight CPUs."""
    monkeypatch.setattr(machine, "_CPU", tmp_path / "cpu")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_affinity", lambda: set(range(8)))
    return tmp_path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _pair_up(root: Path, cpus: int) -> None:
    """Two hyper-threads per core, numbered as by Intel: CPU 0 with cpus/2, and so on."""
    for cpu in range(cpus):
        low = cpu % (cpus // 2)
        siblings = f"{low},{low + cpus // 2}\n"
        _write(root / f"cpu/cpu{cpu}/topology/thread_siblings_list", siblings)


@pytest.mark.usefixtures("roots")
def test_without_topology_every_cpu_of_the_affinity_counts() -> None:
    assert machine.usable_cores() == 8


def test_hyper_threads_of_one_core_count_once(roots: Path) -> None:
    _pair_up(roots, 8)
    assert machine.usable_cores() == 4


def test_half_a_core_within_the_affinity_still_counts(
    roots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pair_up(roots, 8)
    monkeypatch.setattr(machine, "_affinity", lambda: {0, 4, 5})
    assert machine.usable_cores() == 2


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("25000 50000", 1),
        ("9900000 100000", 8),
        ("", 8),
        ("nonsense", 8),
    ],
)
def test_a_quota_of_cgroup_v2_limits_the_cores(roots: Path, quota: str, cores: int) -> None:
    _write(roots / "cgroup/cpu.max", f"{quota}\n")
    assert machine.usable_cores() == cores


@pytest.mark.parametrize(("quota_us", "cores"), [(-1, 8), (300_000, 3), (120_000, 2), (1000, 1)])
def test_a_quota_of_cgroup_v1_limits_the_cores(roots: Path, quota_us: int, cores: int) -> None:
    _write(roots / "cgroup/cpu/cpu.cfs_quota_us", f"{quota_us}\n")
    _write(roots / "cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert machine.usable_cores() == cores


def test_the_tighter_of_quota_and_cores_holds(roots: Path) -> None:
    _pair_up(roots, 8)
    _write(roots / "cgroup/cpu.max", "600000 100000\n")
    assert machine.usable_cores() == 4


def test_this_machine_has_at_least_one_core_and_no_more_than_its_cpus() -> None:
    assert 1 <= machine.usable_cores() <= len(machine._affinity())
