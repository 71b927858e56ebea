"""Small line charts as plain shapes, for the page to draw as SVG.

Everything is in pixels of a box that is as wide as a phone, so that text stays readable when
charts stand one above the other, and side by side on a larger screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Chart",
    "Curve",
    "Frame",
    "Mark",
    "Style",
    "Tick",
    "control_style",
    "nice_ticks",
    "outline",
    "padded",
    "seed_style",
    "strategy_style",
    "tick_text",
]

Point = tuple[float, float]

# Okabe and Ito's colours without yellow, which is too pale on white; black is left to text.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_SHAPES = ("circle", "square", "triangle", "diamond", "down")
_DASHES = ("", "6 3", "2 2.5", "8 3 2 3")


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one arm is drawn; strategies are filled and in colour, controls hollow and grey."""

    colour: str
    shape: str
    dash: str = ""
    is_filled: bool = True


_CONTROL_STYLES = {
    "scratch": Style(colour="#555555", shape="circle", dash="5 3", is_filled=False),
    "random_frozen": Style(colour="#555555", shape="triangle", dash="2 2.5", is_filled=False),
    "imagenet": Style(colour="#555555", shape="diamond", dash="9 3 2 3", is_filled=False),
    "pixels": Style(colour="#777777", shape="square", dash="8 3", is_filled=False),
    "prior": Style(colour="#999999", shape="down", dash="1 3", is_filled=False),
}


def control_style(arm: str) -> Style | None:
    """Return how a control is drawn; None for an arm that is no control."""
    return _CONTROL_STYLES.get(arm)


def strategy_style(number: int) -> Style:
    """Return how the n-th strategy is drawn; colour and shape never repeat together."""
    colours, shapes = len(_COLOURS), len(_SHAPES)
    return Style(
        colour=_COLOURS[number % colours],
        shape=_SHAPES[number % shapes],
        dash=_DASHES[number // colours % len(_DASHES)],
    )


def seed_style(colour: str, seed: int) -> Style:
    """Return how the curve of one seed is drawn."""
    return Style(colour=colour, shape="circle", dash=_DASHES[seed % len(_DASHES)])


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis, with a second, smaller line of text below an x label."""

    at: float
    label: str
    below: str = ""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A point, with the two ends of its interval where it has one."""

    x: float
    y: float
    low: float | None
    high: float | None
    outline: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a chart."""

    name: str
    style: Style
    path: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A box with two linear scales, from values to pixels."""

    width: float = 360.0
    height: float = 240.0
    left: float = 44.0
    right: float = 10.0
    top: float = 10.0
    bottom: float = 44.0
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """Place a value across."""
        return _scaled(value, self.x_range, self.left, self.width - self.right)

    def y(self, value: float) -> float:
        """Place a value upwards."""
        return _scaled(value, self.y_range, self.height - self.bottom, self.top)

    def path(self, points: Sequence[Point]) -> str:
        """Return an SVG path through values; a single one gives none."""
        if len(points) < 2:
            return ""
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A finished chart.

    Attributes:
        title: Printed above it.
        says: What it shows, for those who cannot see it.
        x_title: Printed below the x axis.
    """

    title: str
    says: str
    frame: Frame
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str = ""


def outline(shape: str, x: float, y: float, size: float = 4.0) -> str:
    """Return the SVG path of a marker."""
    if shape == "circle":
        return (
            f"M{x - size:.1f} {y:.1f}a{size} {size} 0 1 0 {2 * size} 0"
            f"a{size} {size} 0 1 0 {-2 * size} 0z"
        )
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        "down": ((0.0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
        "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    }[shape]
    return "M" + "L".join(f"{x + dx * size:.1f} {y + dy * size:.1f}" for dx, dy in corners) + "z"


def nice_ticks(low: float, high: float, wanted: int = 5) -> tuple[float, ...]:
    """Return round numbers inside a range, about as many as wanted, a 1-2-5 step apart."""
    if not high > low:
        return (low,)
    rough = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(factor for factor in (1, 2, 5, 10) if factor * unit >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(number * step, 12) for number in range(first, last + 1))


def tick_text(value: float) -> str:
    """Write the number at a tick, short."""
    size = abs(value)
    if size >= 10_000:
        return f"{value / 1000:g}k"
    if 0 < size < 0.001:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:zg}".replace("-", "\N{MINUS SIGN}")


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return a range that holds all values with a little room; never an empty one."""
    low, high = min(values), max(values)
    room = share * (high - low) or max(abs(high), 1.0) * share
    return low - room, high + room


def _scaled(value: float, ends: tuple[float, float], start: float, stop: float) -> float:
    low, high = ends
    return start + (value - low) / (high - low) * (stop - start)
