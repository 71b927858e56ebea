"""Paired differences as rows of a forest plot: one line per comparison, on a shared scale."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from anlage.report._charts import nice_ticks, tick_text
from anlage.report._efficiency import styles
from anlage.report._lookup import Lookup
from anlage.report._schema import Comparison
from anlage.report.judgement import LADDER, Judgement, judge
from anlage.report.words import arm_name, p_text, points, rung_name, share, spread

__all__ = ["Forest", "ForestRow", "forests"]

WIDTH = 220.0
_EDGE = 8.0
_GREY = "#555555"


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """One comparison.

    Attributes:
        low_x: Left end of the line, in pixels.
        is_low_cut: Whether the interval goes on beyond the scale there.
        says: The whole row, for those who cannot see it.
    """

    budget: str
    arm: str
    delta: str
    interval: str
    p_adjusted: str
    above_zero: str
    judgement: Judgement
    words: str
    colour: str
    x: float | None
    low_x: float
    high_x: float
    is_low_cut: bool
    is_high_cut: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class Forest:
    """All comparisons of one task on one rung with one kind of arm without pretraining."""

    task: str
    rung: str
    twin: str
    zero_x: float
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[ForestRow, ...]


def forests(lookup: Lookup, task: str) -> tuple[Forest, ...]:
    """Return a forest per rung that was compared: with twins first, dear before cheap."""
    own = [c for c in lookup.results.comparisons if c.task == task]
    return tuple(
        _forest(lookup, task, rung, is_like_for_like=alike)
        for alike in (True, False)
        for rung in LADDER
        if any(c.rung == rung and c.is_like_for_like == alike for c in own)
    )


def _forest(lookup: Lookup, task: str, rung: str, *, is_like_for_like: bool) -> Forest:
    found = [
        one
        for budget in lookup.budgets(task)
        for arm in lookup.arms(task, rung)
        if (one := lookup.comparison(task, rung, budget, arm, is_like_for_like=is_like_for_like))
    ]
    scale = _Scale(found)
    colours = {name: style.colour for name, style in styles(lookup).items()}
    ticks = nice_ticks(-100 * scale.limit, 100 * scale.limit, wanted=4)
    return Forest(
        task=task,
        rung=rung_name(rung),
        twin=_twin(found[0]) if found else "",
        zero_x=scale.place(0.0),
        ticks=tuple((scale.place(tick / 100), tick_text(tick)) for tick in ticks),
        rows=tuple(_row(item, scale, colours.get(item.arm, _GREY)) for item in found),
    )


def _twin(found: Comparison) -> str:
    name = arm_name(found.twin)
    return name if found.is_like_for_like else f"{name}, {rung_name(found.twin_rung or '').lower()}"


class _Scale:
    """Symmetric about zero; holds every point and every interval but those far wider than most."""

    def __init__(self, found: list[Comparison]) -> None:
        largest = max((abs(c.delta) for c in found if c.delta is not None), default=0.0)
        ends = [[abs(end) for end in (c.low, c.high) if end is not None] for c in found]
        reach = [max(pair) for pair in ends if pair]
        wanted = 1.05 * max([largest, *reach])
        most = max(1.05 * largest, 3 * median(reach) if reach else 0.0, 0.1)
        self.limit = max(min(wanted, most), 0.01)

    def place(self, difference: float) -> float:
        held = max(-self.limit, min(self.limit, difference))
        return round(WIDTH / 2 + held / self.limit * (WIDTH / 2 - _EDGE), 1)


def _row(item: Comparison, scale: _Scale, colour: str) -> ForestRow:
    judgement = judge(item)
    low, high = item.low, item.high
    delta, interval, words = points(item.delta), spread(low, high), _judged(item, judgement)
    middle = scale.place(item.delta) if item.delta is not None else None
    return ForestRow(
        budget=item.budget,
        arm=arm_name(item.arm),
        delta=delta,
        interval=interval,
        p_adjusted=p_text(item.p_adjusted),
        above_zero=share(item.probability_better),
        judgement=judgement,
        words=words,
        colour=colour,
        x=middle,
        low_x=scale.place(low) if low is not None else middle or 0.0,
        high_x=scale.place(high) if high is not None else middle or 0.0,
        is_low_cut=low is not None and low < -scale.limit,
        is_high_cut=high is not None and high > scale.limit,
        says=f"{arm_name(item.arm)} at {item.budget}: {delta} points {interval}, {words}",
    )


def _judged(item: Comparison, judgement: Judgement) -> str:
    """Say what a comparison allows; only what differs in nothing but pretraining helps or harms."""
    if item.arm == "pixels" and judgement in {"helps", "harms"}:
        return "above its twin" if judgement == "helps" else "below its twin"
    if not item.is_like_for_like and judgement in {"helps", "harms", "no evidence"}:
        words = {"helps": "better", "harms": "worse"}
        return words.get(judgement, "no evidence of a difference")
    return {
        "harms": "harms (negative transfer)",
        "too few runs": "too few runs for a claim",
        "unfinished": "not finished yet",
        "failed": "could not be compared",
    }.get(judgement, judgement)
