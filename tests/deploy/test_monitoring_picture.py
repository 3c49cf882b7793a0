"""Pictures of dashboards, from a real Prometheus with generated data."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from deploy.generating.declaring import Query
from deploy.generating.plots import COLOURS
from deploy.generating.reading import QueryFailed, Window, read
from deploy.generating.units import as_text, step_of
from deploy.picture import app
from tests.support.deployments import needs
from tests.support.prometheus import LocalPrometheus

PNG = b"\x89PNG"
AGO_S = 600
_STEP_S = 15


@pytest.fixture(scope="module")
def end_s() -> int:
    return int(time.time()) // 60 * 60 - 120


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, end_s: int) -> Iterator[str]:
    """Ten minutes: a device lost half way, a backlog that decreases, a ratio without data."""
    needs("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    times = range(end_s - AGO_S, end_s + 1, _STEP_S)
    half = end_s - AGO_S // 2
    slot = 'job="fleet-worker",instance="a:9464",slot="0"'
    rows = [
        *(f"asr_device_expected{{{slot}}} {int(at < half)} {at}" for at in times),
        *(f"asr_model_ready{{{slot}}} 1 {at}" for at in times),
        *(f'asr_backlog_audio_seconds{{job="calls"}} {end_s - at} {at}' for at in times),
        *(f'asr_backlog_audio_seconds{{job="films"}} NaN {at}' for at in times),
        "# EOF",
        "",
    ]
    source = folder / "invented.om"
    source.write_text("\n".join(rows))
    subprocess.run(
        [needs("promtool"), "tsdb", "create-blocks-from", "openmetrics", source, folder / "data"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    with LocalPrometheus(folder, {}) as started:
        started.wait_until_ready()
        yield started.url


@pytest.fixture
def window(end_s: int) -> Window:
    return Window(begin_s=end_s - AGO_S, end_s=end_s, step_s=_STEP_S)


def test_series_are_named_and_nan_is_omitted(prometheus: str, window: Window) -> None:
    query = Query('asr_backlog_audio_seconds{job=~"$job"}', "waits of {{job}}")
    (found,) = read(prometheus, query, {"job": ".*"}, window)
    assert found.name == "waits of calls"
    assert (found.values[0], found.last) == (600, 0)
    assert found.times_s[0] == window.begin_s


def test_an_invalid_query_is_rejected(prometheus: str, window: Window) -> None:
    with pytest.raises(QueryFailed, match=r"sum\(: .*parse error"):
        read(prometheus, Query("sum("), {}, window)


def drawn(
    url: str, path: Path, *arguments: str
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    done = CliRunner().invoke(app, [url, "fleet", str(path), "--minutes", "10", *arguments])
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(PNG)
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = imread(path)
    return pixels


def share_of(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", colour: str) -> float:
    """The share of pixels that have approximately this colour."""
    wanted = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    near = np.abs(pixels[..., :3] - wanted).max(axis=-1) < 0.02
    return float(near.mean())


def test_a_lost_device_is_green_then_red(prometheus: str, end_s: int, tmp_path: Path) -> None:
    pixels = drawn(prometheus, tmp_path / "a.png", "--row", "Devices", "--end", str(end_s))
    green, red = share_of(pixels, COLOURS["green"]), share_of(pixels, COLOURS["red"])
    assert green > 0.01
    assert red == pytest.approx(green, rel=0.15)
    earlier = drawn(
        prometheus, tmp_path / "b.png", "--row", "Devices", "--end", str(end_s - AGO_S // 2 - 30)
    )
    assert share_of(earlier, COLOURS["red"]) < 0.1 * red


def test_a_dashboard_is_drawn_even_without_data(
    prometheus: str, end_s: int, tmp_path: Path
) -> None:
    whole = drawn(prometheus, tmp_path / "whole.png", "--end", str(end_s))
    part = drawn(prometheus, tmp_path / "part.png", "--end", str(end_s), "--row", "Redis")
    assert whole.shape[1] == part.shape[1]
    assert whole.shape[0] > 4 * part.shape[0]


def test_errors_are_reported_on_one_line(prometheus: str, tmp_path: Path) -> None:
    path = str(tmp_path / "x.png")
    done = CliRunner().invoke(app, [prometheus, "fleet", path, "--row", "Nowhere"])
    assert done.exit_code == 1
    assert "Fleet has no row 'Nowhere'" in done.output
    done = CliRunner().invoke(app, ["http://127.0.0.1:9", "fleet", path])
    assert done.exit_code == 1
    assert "refused" in done.output


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0251, "s", "25.1 ms"),
        (90, "s", "1.5 min"),
        (5400, "s", "1.5 h"),
        (200_000, "s", "2.31 d"),
        (0.053, "percentunit", "5.3 %"),
        (3 * 2**30, "bytes", "3 GiB"),
        (71.26, "celsius", "71.3 °C"),
        (280, "watt", "280 W"),
        (1200, "none", "1,200"),
        (43_000, "short", "43k"),
        (843.4, "suffix: h/h", "843 h/h"),
        (28.74, "h", "28.7 h"),
    ],
)
def test_numbers_have_readable_units(value: float, unit: str, text: str) -> None:
    assert as_text(value, unit) == text


def test_axes_count_in_whole_hours_and_gibibytes() -> None:
    assert step_of(9000, "s") == 3600
    assert step_of(0.4, "s") == 0.001
    assert step_of(5e9, "bytes") == 2**30
    assert step_of(500, "none") == 1
