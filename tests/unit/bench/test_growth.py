"""The line through what was measured, and its picture."""

from xml.etree import ElementTree

import pytest

from bench.chart import draw
from bench.scaling import growth_of


def test_points_on_a_line_have_that_line() -> None:
    growth = growth_of("files", (10, 20, 40), [(3.0, 5.0, 9.0), (9.0, 9.0, 9.5)])
    assert growth.seconds == [3.0, 5.0, 9.0]
    assert (growth.fit.fixed_s, growth.fit.seconds_each) == (1.0, 0.2)
    assert growth.fit.r_squared == 1.0


def test_what_grows_faster_than_a_line_does_not_pass_for_one() -> None:
    sizes = (1, 2, 4, 8, 16)
    growth = growth_of("minutes", sizes, [[size**2 / 10 for size in sizes]])
    assert growth.fit.r_squared < 0.97


def test_the_picture_holds_every_point_and_both_titles() -> None:
    growth = growth_of("files", (10, 20, 40), [(3.0, 5.0, 9.0)])
    picture = ElementTree.fromstring(draw([growth, growth]))  # noqa: S314 - our own
    circles = [one for one in picture.iter() if one.tag.endswith("circle")]
    assert len(circles) == 6
    texts = [one.text or "" for one in picture.iter() if one.tag.endswith("text")]
    assert sum("1.00 s + 0.200 s each" in text for text in texts) == 2
    heights = [float(one.attrib["cy"]) for one in circles[:3]]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(heights[2] + (9 - 3) / 9 * (260 - 2 * 52), abs=0.1)
