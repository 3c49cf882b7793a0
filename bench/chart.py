"""Draws growth as an SVG with one panel each: the measured points and the fitted line."""

from collections.abc import Sequence
from html import escape

from bench.scaling import Growth

_WIDTH, _HEIGHT, _MARGIN = 360, 260, 52
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.axis{stroke:#888;fill:none}"
    ".fit{stroke:#2a6fb0;stroke-width:1.5}.point{fill:#d1495b}"
)


def draw(growths: Sequence[Growth]) -> str:
    """Return the SVG."""
    panels = "".join(_panel(growth, place * _WIDTH) for place, growth in enumerate(growths))
    width = _WIDTH * len(growths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" '
        f'width="{width}" height="{_HEIGHT}"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>{panels}</svg>\n'
    )


def _panel(growth: Growth, left: int) -> str:
    most_x, most_y = max(growth.sizes), max(growth.seconds)
    inner_x, inner_y = _WIDTH - 1.5 * _MARGIN, _HEIGHT - 2 * _MARGIN

    def place(size: float, seconds: float) -> tuple[float, float]:
        x = left + _MARGIN + size / most_x * inner_x
        return x, _HEIGHT - _MARGIN - seconds / most_y * inner_y

    points = "".join(
        '<circle class="point" r="4" cx="{:.1f}" cy="{:.1f}"/>'.format(*place(size, seconds))
        for size, seconds in zip(growth.sizes, growth.seconds, strict=True)
    )
    fit = growth.fit
    x0, y0 = place(0, fit.fixed_s)
    x1, y1 = place(most_x, fit.fixed_s + fit.seconds_each * most_x)
    corner_x, corner_y = place(0, 0)
    title = f"{fit.fixed_s:.2f} s + {fit.seconds_each:.3f} s each, R\u00b2 {fit.r_squared:.3f}"
    axis = f"M{corner_x},{_MARGIN}V{corner_y}H{corner_x + inner_x}"
    return (
        f'<path class="axis" d="{axis}"/>'
        f'<line class="fit" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>{points}'
        f'<text x="{corner_x}" y="{_MARGIN - 24}">{escape(title)}</text>'
        f'<text x="{corner_x - 8}" y="{_MARGIN + 4}" text-anchor="end">{most_y:.1f} s</text>'
        f'<text x="{corner_x - 8}" y="{corner_y + 4}" text-anchor="end">0</text>'
        f'<text x="{corner_x + inner_x}" y="{corner_y + 18}" text-anchor="end">'
        f"{most_x:g} {growth.unit}</text>"
    )
