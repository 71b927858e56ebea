"""The label-efficiency figure: what a number of labels buys, by arm, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from anlage.report._charts import (
    Chart,
    Curve,
    Frame,
    Mark,
    Style,
    Tick,
    control_style,
    nice_ticks,
    outline,
    padded,
    strategy_style,
    tick_text,
)
from anlage.report._lookup import Lookup
from anlage.report._schema import Measure
from anlage.report.judgement import LADDER
from anlage.report.words import arm_name, count, metric_words, rung_name, several

__all__ = ["EfficiencyFigure", "LegendEntry", "efficiency", "styles"]

_LABEL_WIDTH = 40.0
_AT_ONCE = 2

Place = tuple[str, str, str]  # rung, budget, arm


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """An arm beside the way it is drawn."""

    name: str
    style: Style
    outline: str


@dataclass(frozen=True, kw_only=True)
class EfficiencyFigure:
    """One task's panels, one per rung: the first ones, and those that are folded away.

    Each of the two has a legend of what it shows.
    """

    task: str
    metric: str
    legend: tuple[LegendEntry, ...]
    rest_legend: tuple[LegendEntry, ...]
    first: tuple[Chart, ...]
    rest: tuple[Chart, ...]
    is_to_scale: bool
    test_patients: int


def styles(lookup: Lookup) -> dict[str, Style]:
    """Return how each strategy is drawn, everywhere on the page."""
    return {name: strategy_style(number) for number, name in enumerate(lookup.strategies)}


def efficiency(lookup: Lookup, task: str) -> EfficiencyFigure | None:
    """Return the figure of one task, or None if nothing can be drawn yet."""
    rungs = [rung for rung in lookup.rungs(task) if rung in LADDER]
    found = {
        (rung, budget, arm): measure
        for rung in lookup.rungs(task)
        for budget in lookup.budgets(task)
        for arm in lookup.arms(task, rung)
        if (measure := lookup.measure(task, rung, budget, arm)) and measure.value is not None
    }
    if not rungs or not found:
        return None
    budgets = [b for b in lookup.budgets(task) if lookup.patients(task, b) > 0]
    across, is_to_scale = _across({b: lookup.patients(task, b) for b in budgets})
    words = metric_words(lookup.headline(task))
    panels = _Panels(lookup, task, found, across)
    charts = tuple(panels.draw(rung) for rung in rungs)
    return EfficiencyFigure(
        task=task,
        metric=words.title,
        legend=tuple(panels.legend(rungs[:_AT_ONCE])),
        rest_legend=tuple(panels.legend(rungs[_AT_ONCE:])),
        first=charts[:_AT_ONCE],
        rest=charts[_AT_ONCE:],
        is_to_scale=is_to_scale,
        test_patients=max(measure.patients for measure in found.values()),
    )


def _across(patients: dict[str, float]) -> tuple[dict[str, float], bool]:
    """Place budgets on a log scale of patients, or evenly where their names would collide."""
    places = {budget: math.log10(number) for budget, number in patients.items()}
    ordered = sorted(places.values())
    gaps = [right - left for left, right in pairwise(ordered)]
    plot = 360.0 - 54.0 - _LABEL_WIDTH
    if gaps and min(gaps) / (ordered[-1] - ordered[0] or 1.0) * plot < _LABEL_WIDTH:
        return {budget: float(place) for place, budget in enumerate(places)}, False
    return places, True


class _Panels:
    """All panels of one task share their scales, so that rungs can be compared by eye."""

    def __init__(
        self,
        lookup: Lookup,
        task: str,
        found: dict[Place, Measure],
        across: dict[str, float],
    ) -> None:
        self.lookup, self.task, self.found, self.across = lookup, task, found, across
        self.colours = styles(lookup)
        ends = [
            value
            for measure in found.values()
            for value in (measure.value, measure.low, measure.high)
            if value is not None
        ]
        low, high = padded(ends)
        bounds = metric_words(lookup.headline(task)).bounds
        spread = max(across.values()) - min(across.values()) or 1.0
        room = spread * _LABEL_WIDTH / 2 / (360.0 - 54.0 - _LABEL_WIDTH)
        self.frame = Frame(
            x_range=(min(across.values()) - room, max(across.values()) + room),
            y_range=(max(low, min(bounds[0], *ends)), min(high, max(bounds[1], *ends))),
        )

    def arms(self, rung: str) -> tuple[str, ...]:
        """Arms of one panel; the answer without looking stands in every panel."""
        drawn = {arm for place, _, arm in self.found if place in {rung, "prior"}}
        ordered = (*self.lookup.arms(self.task, rung), *self.lookup.arms(self.task, "prior"))
        return tuple(arm for arm in dict.fromkeys(ordered) if arm in drawn)

    def style(self, arm: str) -> Style:
        """Return how an arm is drawn; strategies may not take a control's name."""
        return control_style(arm) or self.colours.get(arm) or strategy_style(len(self.colours))

    def legend(self, rungs: Sequence[str]) -> list[LegendEntry]:
        """Return all arms of some panels."""
        arms = dict.fromkeys(arm for rung in rungs for arm in self.arms(rung))
        controls = [arm for arm in arms if control_style(arm)]
        strategies = [arm for arm in arms if arm not in controls]
        return [
            LegendEntry(name=arm_name(arm), style=style, outline=outline(style.shape, 17, 7))
            for arm in (*strategies, *controls)
            for style in (self.style(arm),)
        ]

    def draw(self, rung: str) -> Chart:
        """Draw one rung."""
        frame, arms = self.frame, self.arms(rung)
        step = min(7.0, 30.0 / max(len(arms) - 1, 1))
        shifts = [(number - (len(arms) - 1) / 2) * step for number in range(len(arms))]
        title = metric_words(self.lookup.headline(self.task)).label
        return Chart(
            title=rung_name(rung),
            says=f"{self.task}, {rung_name(rung)}: {title} of each arm by labelled patients. "
            "The same numbers are in the tables below.",
            frame=frame,
            curves=tuple(
                self._curve(rung, arm, shift) for arm, shift in zip(arms, shifts, strict=True)
            ),
            x_ticks=tuple(
                Tick(
                    at=frame.x(place),
                    label=budget,
                    below=f"n = {count(self.lookup.patients(self.task, budget))}",
                )
                for budget, place in self.across.items()
            ),
            y_ticks=tuple(
                Tick(at=frame.y(value), label=tick_text(value))
                for value in nice_ticks(*frame.y_range)
            ),
            x_title="labelled patients",
        )

    def _curve(self, rung: str, arm: str, shift: float) -> Curve:
        style = self.style(arm)
        own = "prior" if arm == "prior" else rung
        marks = tuple(
            self._mark(own, budget, arm, measure, self.frame.x(place) + shift)
            for budget, place in self.across.items()
            if (measure := self.found.get((own, budget, arm)))
        )
        path = "M" + "L".join(f"{m.x:.1f} {m.y:.1f}" for m in marks) if len(marks) > 1 else ""
        return Curve(name=arm_name(arm), style=style, path=path, marks=marks)

    def _mark(self, rung: str, budget: str, arm: str, measure: Measure, x: float) -> Mark:
        assert measure.value is not None, "undefined values are not drawn"
        words = metric_words(self.lookup.headline(self.task))
        cell = self.lookup.cell(self.task, rung, budget, arm)
        runs = several(cell.runs if cell else 0, "run")
        y = self.frame.y(measure.value)
        return Mark(
            x=x,
            y=y,
            low=None if measure.low is None else self.frame.y(measure.low),
            high=None if measure.high is None else self.frame.y(measure.high),
            outline=outline(self.style(arm).shape, x, y),
            says=f"{arm_name(arm)}, {budget}: {words.label} {words.value(measure.value)} "
            f"{words.interval(measure)}, {runs}, {measure.patients} test patients",
        )
