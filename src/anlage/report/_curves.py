"""Learning curves and health of pretrainings, from their logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anlage.report._charts import (
    Chart,
    Curve,
    Frame,
    Mark,
    Tick,
    nice_ticks,
    outline,
    padded,
    seed_style,
    tick_text,
)
from anlage.report._read import PretrainRun
from anlage.report.words import NONE, count, duration

__all__ = ["CurveFigure", "HealthRow", "curve_figure", "health_rows"]

_MOST_POINTS = 200
_NO_PARTS = {"step", "loss", "learning_rate", "gradient_norm", "seconds", "rank", "std", "width"}
_TITLES = {
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm",
    "rank": "Effective rank",
    "std": "Spread (std)",
}

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class CurveFigure:
    """The charts of one strategy; seeds are told apart by their dashes."""

    strategy: str
    charts: tuple[Chart, ...]
    seeds: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class HealthRow:
    """How one pretraining ended."""

    strategy: str
    seed: int
    status: str
    reason: str
    steps: str
    loss: str
    rank: str
    std: str
    seconds: str


def curve_figure(strategy: str, runs: Sequence[PretrainRun], colour: str) -> CurveFigure | None:
    """Return the charts of one strategy's pretrainings, or None without any log."""
    logged = [run for run in runs if run.log]
    if not logged:
        return None
    names = dict.fromkeys(name for run in logged for line in run.log for name in line)
    parts = [name for name in names if name not in _NO_PARTS]
    shown = ["loss", *(parts if len(parts) > 1 else []), "learning_rate", "rank", "std"]
    charts = (_chart(strategy, name, logged, colour) for name in shown)
    return CurveFigure(
        strategy=strategy,
        charts=tuple(chart for chart in charts if chart),
        seeds=tuple(
            Curve(name=f"seed {run.seed}", style=seed_style(colour, run.seed), path="M2 7L32 7")
            for run in logged
        ),
    )


def health_rows(runs: Sequence[PretrainRun]) -> tuple[HealthRow, ...]:
    """Return the last look at each pretraining."""
    return tuple(_health(run) for run in runs)


def _health(run: PretrainRun) -> HealthRow:
    loss, rank, std, width = (_last(run, name) for name in ("loss", "rank", "std", "width"))
    return HealthRow(
        strategy=run.strategy,
        seed=run.seed,
        status=run.status,
        reason=run.reason,
        steps=f"{run.steps:,}",
        loss=NONE if loss is None else f"{loss:.3g}",
        rank=NONE if rank is None else f"{rank:.0f}" + (f" of {width:.0f}" if width else ""),
        std=NONE if std is None else f"{std:.2f}",
        seconds=duration(run.seconds) if run.seconds else NONE,
    )


def _chart(strategy: str, name: str, runs: Sequence[PretrainRun], colour: str) -> Chart | None:
    lines = [(run, points) for run in runs if (points := tuple(_points(run, name)))]
    if not lines:
        return None
    values = [value for _, points in lines for _, value in points]
    steps = [step for _, points in lines for step, _ in points]
    frame = Frame(
        width=200.0,
        height=140.0,
        left=40.0,
        bottom=22.0,
        x_range=(0.0, max(*steps, 1.0)),
        y_range=_range(name, values),
    )
    title = _TITLES.get(name, f"Part: {name.replace('_', ' ')}")
    return Chart(
        title=title,
        says=f"{title} of {strategy} over {count(max(steps))} steps, one curve per seed, "
        f"from {values[0]:.3g} to {values[-1]:.3g}.",
        frame=frame,
        curves=tuple(_curve(frame, run, points, colour) for run, points in lines),
        x_ticks=tuple(
            Tick(at=frame.x(step), label=tick_text(step))
            for step in nice_ticks(*frame.x_range, wanted=3)
        ),
        y_ticks=tuple(
            Tick(at=frame.y(value), label=tick_text(value))
            for value in nice_ticks(*frame.y_range, wanted=4)
        ),
    )


def _curve(frame: Frame, run: PretrainRun, points: Points, colour: str) -> Curve:
    """Draw one seed; a handful of looks is also shown as points."""
    marks = tuple(
        Mark(
            x=frame.x(step),
            y=frame.y(value),
            low=None,
            high=None,
            outline=outline("circle", frame.x(step), frame.y(value), 2.0),
            says=f"seed {run.seed}, step {count(step)}: {value:.3g}",
        )
        for step, value in (points if len(points) <= 12 else ())
    )
    style = seed_style(colour, run.seed)
    return Curve(name=f"seed {run.seed}", style=style, path=frame.path(points), marks=marks)


def _range(name: str, values: Sequence[float]) -> tuple[float, float]:
    """Health and rates start at zero, where they would be dead; losses need no zero."""
    low, high = padded(values)
    return (
        (0.0, 1.0)
        if name == "std"
        else (0.0, high)
        if name in {"rank", "learning_rate"}
        else (
            low,
            high,
        )
    )


def _points(run: PretrainRun, name: str) -> Iterator[tuple[float, float]]:
    """Return at most some hundred points of a curve, its ends among them."""
    found = [(line["step"], line[name]) for line in run.log if name in line]
    stride = -(-len(found) // _MOST_POINTS) or 1
    yield from (point for n, point in enumerate(found) if n % stride == 0 or n == len(found) - 1)


def _last(run: PretrainRun, name: str) -> float | None:
    return next((line[name] for line in reversed(run.log) if name in line), None)
