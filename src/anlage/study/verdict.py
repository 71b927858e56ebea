"""The answer in words: does pretraining help this task, where, and how much?

"Helps" is said only where the interval of the paired difference lies above zero, the p-value
survives Holm's adjustment over the whole study, and there are enough test patients and runs, all
of them done. "Negative transfer" is said on the same terms. Everything else is "no evidence".
"""

from __future__ import annotations

from collections.abc import Sequence

from anlage.report.judgement import LADDER, judge
from anlage.report.words import joined, metric_words, rung_name
from anlage.study.results import Comparison, Results

__all__ = ["verdict", "verdict_of"]

_TWINS = {"scratch": "the from-scratch twin", "random_frozen": "a random frozen encoder"}
_SAID = {
    "helps": "helps",
    "harms": "shows NEGATIVE TRANSFER",
    "no evidence": "shows no evidence of help",
    "too few patients": "has too few test patients for a claim",
    "too few runs": "has too few runs for a claim",
    "unfinished": "is not finished",
    "failed": "could not be compared",
}


def verdict(results: Results, strategies: Sequence[str]) -> list[str]:
    """Return one statement per task and strategy, about the dearest rung that was climbed."""
    return [
        verdict_of(results, task, strategy) for task in results.headlines for strategy in strategies
    ]


def verdict_of(results: Results, task: str, strategy: str) -> str:
    """Return the statement on one strategy for one task."""
    own = [c for c in results.comparisons if c.arm == strategy and c.task == task]
    rung = next((rung for rung in LADDER if any(c.rung == rung for c in own)), None)
    if rung is None:
        return (
            f"{task}: pretraining with {strategy} could not be judged: no comparison was finished."
        )
    own = [c for c in own if c.rung == rung]
    metric = metric_words(results.headlines[task]).label
    parts = []
    for kind, words in _SAID.items():
        places = [f"{c.budget} ({_points(c)})" for c in own if judge(c) == kind]
        if places:
            parts.append(f"{words} at {joined(places)}")
    return (
        f"{task}: pretraining with {strategy} {'; '.join(parts)}. "
        f"Points of {metric} after {rung_name(rung).lower()}, against {_TWINS[own[0].twin]}."
    )


def _points(comparison: Comparison) -> str:
    """Write a difference in points (hundredths) with its 95 % interval."""
    if comparison.delta is None or comparison.low is None or comparison.high is None:
        return "undefined"
    if comparison.failed:
        return f"{comparison.failed} failed runs"
    low, high = 100 * comparison.low, 100 * comparison.high
    return f"{100 * comparison.delta:+.1f} points [{low:.1f}, {high:.1f}]"
