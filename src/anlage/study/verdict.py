"""The answer in words: does pretraining help this task, where, and how much?

"Helps" is said only where the interval of the paired difference lies above zero, the p-value
survives Holm's adjustment over the whole study, and there are enough test patients and runs, all
of them done. "Negative transfer" is said on the same terms. Everything else is "no evidence".
"""

from __future__ import annotations

from collections.abc import Sequence

from anlage.report.judgement import LADDER, judge
from anlage.report.words import joined, metric_words, rung_name, several
from anlage.study.labels import CLAIM_PATIENTS, CLAIM_RAREST
from anlage.study.results import Comparison, Results

__all__ = ["verdict", "verdict_of"]

_TWINS = {"scratch": "the from-scratch twin", "random_frozen": "a random frozen encoder"}
_SAID = {
    "helps": "helps",
    "harms": "shows NEGATIVE TRANSFER",
    "no evidence": "shows no evidence of help",
    "unfinished": "is not finished",
    "failed": "could not be compared",
}
_KEPT = {
    "helps": "BETTER",
    "harms": "WORSE",
    "no evidence": "no evidence of a difference",
    "unfinished": "not finished",
    "failed": "could not be compared",
}


def verdict(results: Results, strategies: Sequence[str]) -> list[str]:
    """Return one statement per task and strategy, about the dearest rung that is planned."""
    return [
        verdict_of(results, task, strategy) for task in results.headlines for strategy in strategies
    ]


def verdict_of(results: Results, task: str, strategy: str) -> str:
    """Return the statement on one strategy for one task."""
    found = [c for c in results.comparisons if c.arm == strategy and c.task == task]
    own = [c for c in found if c.is_like_for_like]
    planned = results.planned_rungs.get(task) or [c.rung for c in own]
    rung = next((rung for rung in LADDER if rung in planned), None)
    if rung is None:
        return (
            f"{task}: pretraining with {strategy} could not be judged: no comparison was finished."
        )
    own = [c for c in own if c.rung == rung]
    way = rung_name(rung).lower()
    if not own:
        return f"{task}: the comparison of {strategy} after {way} is not finished."
    kinds = _by_judgement(own)
    parts = [f"{words} at {_places(kinds[kind])}" for kind, words in _SAID.items() if kind in kinds]
    sentences = [f"pretraining with {strategy} {'; '.join(parts)}"] if parts else []
    if few := kinds.get("too few patients"):
        reason = _too_few(results, task, rung)
        sentences.append(f"with {reason} no claim can be made about {strategy} at {_places(few)}")
    for runs in sorted({c.runs for c in kinds.get("too few runs", ())}):
        few = [c for c in kinds["too few runs"] if c.runs == runs]
        sentences.append(
            f"with {several(runs, 'run')} no claim can be made about {strategy} at {_places(few)}"
        )
    metric = metric_words(results.headlines[task]).label
    return (
        f"{task}: {'; '.join(sentences)}. "
        f"Points of {metric} after {way}, against {_TWINS[own[0].twin]}."
        f"{_guesses(own)}{_kept_as_it_is([c for c in found if not c.is_like_for_like])}"
    )


def _by_judgement(found: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    kinds: dict[str, list[Comparison]] = {}
    for comparison in found:
        kinds.setdefault(judge(comparison), []).append(comparison)
    return kinds


def _kept_as_it_is(found: Sequence[Comparison]) -> str:
    """Say how the encoder fares, kept as it is, against the network trained from scratch."""
    sentences = ""
    for rung in dict.fromkeys(c.rung for c in found):
        kinds = _by_judgement([c for c in found if c.rung == rung])
        parts = [f"{words} at {_places(kinds[k])}" for k, words in _KEPT.items() if k in kinds]
        if parts:
            sentences += (
                f" {rung_name(rung)} on its encoder, against the whole network trained from "
                f"scratch: {'; '.join(parts)}."
            )
    return sentences


def _places(found: Sequence[Comparison]) -> str:
    return joined([f"{c.budget} ({_points(c)})" for c in found])


def _too_few(results: Results, task: str, rung: str) -> str:
    """Say what there is too little of: test patients, those of the rarest class, or spread."""
    metric = results.headlines[task]
    cells = [c.metrics.get(metric, {}) for c in results.cells if (c.task, c.rung) == (task, rung)]
    number = max((int(found.get("patients") or 0) for found in cells), default=0)
    if not number:
        return "so few test patients"
    if number < CLAIM_PATIENTS:
        return several(number, "test patient")
    rarest = [n for found in cells if (n := found.get("rarest_patients")) is not None]
    if rarest and min(rarest) < CLAIM_RAREST:
        return f"{several(min(rarest), 'test patient')} of the rarest class"
    return "the same difference in every resample of patients"


def _guesses(own: Sequence[Comparison]) -> str:
    """Say where the twin guessed: then the difference tells nothing about pretraining."""
    guessed = [c for c in own if c.twin_one_answer]
    if not guessed:
        return ""
    where = joined(
        [c.budget if c.twin_one_answer == c.runs else f"{c.budget} ({_share(c)})" for c in guessed]
    )
    twin = _TWINS[own[0].twin]
    remedy = " Raise adapt.max_steps." if own[0].twin == "scratch" else ""
    return (
        f" At {where} {twin} gave one answer to every case: this is a difference to guessing."
        f"{remedy}"
    )


def _share(comparison: Comparison) -> str:
    return f"in {comparison.twin_one_answer} of {several(comparison.runs, 'run')}"


def _points(comparison: Comparison) -> str:
    """Write a difference in points (hundredths) with its 95 % interval, or what that leaves out."""
    if comparison.delta is None or comparison.low is None or comparison.high is None:
        return "undefined"
    if comparison.failed:
        return f"{comparison.failed} failed runs"
    low, high = 100 * comparison.low, 100 * comparison.high
    written = f"{100 * comparison.delta:+z.1f} points [{low:z.1f}, {high:z.1f}]"
    return f"over patients alone: {written}" if comparison.runs == 1 else written
