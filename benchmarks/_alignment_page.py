"""The section on score and gain, and its picture: every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from _alignment_cells import RUNGS, Cell
from _alignment_picture import cells_table
from _alignment_scores import PARTS, VARIANTS
from _alignment_stats import (
    Estimate,
    Sample,
    Statistic,
    agreement,
    chosen_elsewhere,
    drawn,
    estimate,
    filled,
    kendall,
    mean_gain_elsewhere,
    mean_gain_of,
    mean_of,
    pairs_by_data,
    spearman,
    spearman_between,
    spearman_within,
    word,
)

__all__ = ["SEEN", "TITLE", "section"]

TITLE = "Does the score predict the gain?"
SEEN = "The data that the score was chosen on"
Floats = npt.NDArray[np.float64]

REHEARSED, KEPT = "rehearsed gain", "least part kept"
SCORE, ELSEWHERE, HERE = "alignment score", "paradigm, from other data sets", "paradigm, all known"
STATISTICS: dict[str, Statistic] = {
    "Spearman, all cells": spearman,
    "Kendall, all cells": kendall,
    "Spearman within data sets": spearman_within,
    "Spearman between their means": spearman_between,
    "pairs in order": agreement,
}
WANTED = 12
FEW = 10
LEAST = 6  # data sets: of fewer, not even all on one side is beyond chance (2 / 2^5 > 0.05)
INTRO = """Each cell is a strategy on a task of a data set. Gain: the mean paired difference to the
twin without pretraining, in points of the study's headline metric, at its smallest budget.
Alignment score: the rehearsed gain of `anlage audit` (up to 500 images, as many labels as the study
has) with the strategy's settings; tasks of places have none. The other scores are those of
`anlage audit --quick` (120 images). Rivals know nothing but the paradigm:

- *from other data sets*: the mean gain of the paradigm in the other data sets. A mean without a
  cell's own data set is low where that one is high, so correlations over all cells are hard on it;
  those within data sets and of pairs are not.
- *all known*: the mean gain of the paradigm in all cells, the cell's own among them. That flatters
  it, so the score is called better only where it is better than both.

*Within data sets* takes out the mean of each task; *between their means* compares these means
alone. *Pairs in order*: of two strategies on one task, does the one with more gain have the higher
score? A tie, or a score that was not measured, counts half. Intervals are 95 %, over data sets
(stores) drawn with replacement, widened for their small number, with gains and audits as they
are. No word is adjusted for the two statistics and two kinds of gain: read a lone one with care."""
KNOWN = """Something of the alignment score was chosen after a look at these cells: its features,
rank and ridge on six of the data sets, its zero on the other nine (LOG.md tells in which order,
and what the score without that zero had foretold of the nine). So they flatter it. Words and
columns are those of the section above."""


def section(
    cells: Sequence[Cell],
    left: Sequence[str],
    *,
    made: str,
    picture: str | None,
    is_seen: bool = False,
) -> str:
    """Write the section.

    Args:
        cells: All of them.
        left: What was left out, and why.
        made: Command, commit and date.
        picture: Name of the picture's file.
        is_seen: Whether the score was chosen after a look at these cells.
    """
    sets = sorted({cell.data for cell in cells})
    groups = {cell.group for cell in cells}
    parts = [
        f"{made}\n\n{len(cells)} cells: strategies on {len(groups)} tasks of {len(sets)} data sets."
        + (f" Fewer than the {WANTED} cells that are wanted." if len(cells) < WANTED else "")
        + (f" {warning(len(sets))}" if len(sets) < FEW else ""),
        KNOWN if is_seen else INTRO,
    ]
    for kind, rungs in RUNGS.items():
        own = [cell for cell in cells if kind in cell.gains]
        title = f"### Gain when {kind} ({' or '.join(rungs)})"
        parts += [title, *(compare(own, kind) if len(own) > 2 else ["Fewer than three cells."])]
    parts += ["### Cells", cells_table(cells)]
    if picture:
        parts.append(f"![Gain against alignment score, one colour per paradigm]({picture})")
    if left:
        parts.append("Left out: " + "; ".join(left) + ".")
    return "\n\n".join(parts)


def warning(sets: int) -> str:
    """Say what few data sets cannot show."""
    found = f"**{sets} data sets are few: what follows is a first look.**"
    if sets < LEAST:
        found += (
            f" Were all {sets} on one side, that would still happen by chance in "
            f"{200 / 2**sets:.0f} % of cases, so no word below reaches beyond these data sets."
        )
    return found


def sample_of(cells: Sequence[Cell], kind: str) -> Sample:
    """Return cells as columns."""
    return Sample(
        gains=np.array([cell.gains[kind].value for cell in cells]),
        groups=[cell.group for cell in cells],
        data=[cell.data for cell in cells],
        paradigms=[cell.paradigm for cell in cells],
    )


def candidates(cells: Sequence[Cell], sample: Sample) -> dict[str, Floats]:
    """Return every declared score of every cell, alone and joined with the paradigm's mean gain."""
    found = {
        name: np.array([_number(score(cell.parts, cell.facts)) for cell in cells])
        for name, score in VARIANTS.items()
    }
    prior = mean_gain_elsewhere(sample)
    for name in (KEPT, "signal seen"):
        values = filled(found[name])
        found[f"paradigm's gain times the {name}"] = np.where(prior > 0, prior * values, prior)
        found[f"paradigm first, of equals the {name}"] = prior + 1e-4 * values
    return found


def compare(cells: Sequence[Cell], kind: str) -> list[str]:
    """Write everything about one kind of gain."""
    sample = sample_of(cells, kind)
    scores = candidates(cells, sample)
    rivals = {ELSEWHERE: mean_gain_elsewhere(sample), HERE: mean_gain_of(sample)}
    main = {SCORE: scores[REHEARSED], **rivals}
    sets = len(set(sample.data))
    found = {name: drawn(sample, main, statistic) for name, statistic in STATISTICS.items()}
    lines = ["| | " + " | ".join(STATISTICS) + " |", "|---|" + "---|" * len(STATISTICS)]
    for who in main:
        row = [told(estimate(found[name][who], sets=sets)) for name in STATISTICS]
        lines.append(f"| {who} | {' | '.join(row)} |")
    gaps = {
        name: {
            rival: estimate(found[name][SCORE] - found[name][rival], sets=sets) for rival in rivals
        }
        for name in STATISTICS
    }
    for rival in rivals:
        row = [told(gaps[name][rival], sign="+") for name in STATISTICS]
        lines.append(f"| score less {rival} | {' | '.join(row)} |")
    judged = {name: gaps[name] for name in ("Spearman, all cells", "pairs in order")}
    where = " on these data sets" if sets < LEAST else ""
    verdict = [
        f"- {name}: the score is {said}{where if '**' in said else ''}."
        for name, said in ((name, joined(two)) for name, two in judged.items())
    ]
    told_of_pairs = [
        what_it_tells(cells, sample, scores[REHEARSED], rivals[ELSEWHERE], kind),
        variants_table(cells, sample, scores, rivals[ELSEWHERE]),
        parts_table(cells, sample),
    ]
    has_pairs = len(set(sample.groups)) < len(sample.groups)
    return [
        "\n".join(verdict),
        "\n".join(lines),
        *(told_of_pairs if has_pairs else told_of_pairs[1:2]),
    ]


def joined(gaps: Mapping[str, Estimate]) -> str:
    """Return what the comparisons with both rivals say together."""
    words = {rival: word(gap) for rival, gap in gaps.items()}
    if "not comparable" in words.values():
        return "not comparable with the paradigm, for want of strategies or data sets"
    if set(words.values()) == {"better"}:
        return "**better** than the paradigm alone"
    worse = [f"the {rival}" for rival, one in words.items() if one == "worse"]
    if worse:
        return f"**worse** than {' and '.join(worse)}"
    return "**not shown to be better** than the paradigm alone"


def what_it_tells(
    cells: Sequence[Cell], sample: Sample, score: Floats, rival: Floats, kind: str
) -> str:
    """Say which kinds of pairs the score puts in order, and whether its rival does."""

    def alike(first: int, second: int) -> bool:
        return sample.paradigms[first] == sample.paradigms[second]

    def apart(first: int, second: int) -> bool:
        """Whether the gains differ by more than their noise; the shared twin makes this strict."""
        one, two = cells[first].gains[kind], cells[second].gains[kind]
        noise = np.hypot(one.high - one.low, two.high - two.low) / 2
        return bool(abs(one.value - two.value) > noise)

    kinds: dict[str, Callable[[int, int], bool]] = {
        "of one paradigm": alike,
        "of two paradigms": lambda first, second: not alike(first, second),
        "whose gains are clearly apart": apart,
        "of one paradigm, clearly apart": lambda one, two: alike(one, two) and apart(one, two),
    }
    lines = [
        "| pairs of strategies on one task | pairs | the score tells | in order | "
        f"by the {ELSEWHERE} | difference |",
        "|---|---|---|---|---|---|",
    ]
    said = []
    for name, wanted in kinds.items():
        right = pairs_by_data(score, sample, wanted)
        count = sum(map(len, right.values()))
        told_apart = sum(one != 0.5 for values in right.values() for one in values)
        found = mean_of(right)
        other = pairs_by_data(rival, sample, wanted)
        gaps = {
            data: [ours - theirs for ours, theirs in zip(values, other[data], strict=True)]
            for data, values in right.items()
        }
        lines.append(
            f"| {name} | {count} | {told_apart} | {told(found)} | {told(mean_of(other))} | "
            f"{told(mean_of(gaps), sign='+')} |"
        )
        if count:
            chance = Estimate(value=found.value - 0.5, low=found.low - 0.5, high=found.high - 0.5)
            than = {"better": "better than a coin", "worse": "worse than a coin"}
            said.append(f"{name} {than.get(word(chance), 'not shown to be better than a coin')}")
    summary = f"Of strategies on one task the score orders those {'; those '.join(said)}."
    return "\n".join(lines) + (f"\n\n{summary}" if said else "")


def variants_table(
    cells: Sequence[Cell], sample: Sample, scores: Mapping[str, Floats], rival: Floats
) -> str:
    """Compare all declared scores, and what choosing among them is worth."""

    def made_of(places: Sequence[int]) -> dict[str, Floats]:
        return candidates([cells[place] for place in places], sample.at(places))

    asked = {ELSEWHERE: rival, **scores}
    sets = len(set(sample.data))
    pairs, ranks = (drawn(sample, asked, one) for one in (agreement, spearman))
    lines = [
        "Scores that were declared beforehand. The best of many is so by luck too: what counts is "
        "the line below the table.",
        "",
        f"| score | Spearman, all cells | pairs in order | less {ELSEWHERE} |",
        "|---|---|---|---|",
    ]
    for name in scores:
        shown = [told(estimate(one[name], sets=sets)) for one in (ranks, pairs)]
        gap = told(estimate(pairs[name] - pairs[ELSEWHERE], sets=sets), sign="+")
        lines.append(f"| {name} | {' | '.join(shown)} | {gap} |")
    right, chosen = chosen_elsewhere(sample, made_of)
    if not right:
        return "\n".join([*lines, "", "Too few data sets with pairs to choose a score on others."])
    names = ", ".join(f"{name} ({count}x)" for name, count in chosen.most_common())
    found = told(mean_of(right))
    return "\n".join(
        [
            *lines,
            "",
            f"Chosen on the other data sets, judged on the one left out: {found}: {names}.",
        ]
    )


def parts_table(cells: Sequence[Cell], sample: Sample) -> str:
    """Say of every part of the audit which pairs it puts in order."""
    lines = [
        "Parts of the audit, on pairs for which both were measured.",
        "",
        "| part | pairs | told apart | in order |",
        "|---|---|---|---|",
    ]
    for name, meaning in PARTS.items():
        values = np.array([cell.parts.get(name, np.nan) for cell in cells])
        right = pairs_by_data(
            values, sample, lambda one, two, v=values: bool(np.isfinite(v[[one, two]]).all())
        )
        if not right:
            continue
        count = sum(map(len, right.values()))
        decided = {
            data: [one for one in found if one != 0.5]
            for data, found in right.items()
            if any(one != 0.5 for one in found)
        }
        apart = sum(map(len, decided.values()))
        lines.append(f"| {name}: {meaning} | {count} | {apart} | {told(mean_of(decided))} |")
    return "\n".join(lines)


def told(found: Estimate, sign: str = "") -> str:
    """Return a number with its interval."""
    if not np.isfinite(found.value):
        return "-"
    if not np.isfinite(found.low):
        return f"{found.value:{sign}.2f}"
    return f"{found.value:{sign}.2f} [{found.low:{sign}.2f}, {found.high:{sign}.2f}]"


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
