"""How many cores this process may keep busy: affinity, quota, and no hyper-threads."""

from pathlib import Path

import pytest

from funasr_fleet.worker.process import hardware as machine


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without files, whose process may run on eight CPUs."""
    monkeypatch.setattr(machine, "_CPU", tmp_path / "cpu")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_affinity", lambda: set(range(8)))
    return tmp_path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _pair_up(root: Path, cpus: int) -> None:
    """Two hyper-threads per core, numbered as Intel does: 0 with cpus/2, and so on."""
    for cpu in range(cpus):
        low = cpu % (cpus // 2)
        siblings = f"{low},{low + cpus // 2}\n"
        _write(root / f"cpu/cpu{cpu}/topology/thread_siblings_list", siblings)


@pytest.mark.usefixtures("roots")
def test_where_nothing_is_told_every_cpu_of_the_affinity_counts() -> None:
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
