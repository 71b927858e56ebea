"""The first words of the page: the verdict, strongest claim first, and what limits it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anlage.report._lookup import Lookup
from anlage.report._read import Study
from anlage.report._schema import Cell, Comparison
from anlage.report.judgement import FEWEST_RUNS, judge
from anlage.report.words import arm_name, joined, metric_words, rung_name, several

__all__ = ["VerdictLine", "limits", "verdict_lines"]

_LEARNT = 0.9  # of the labels that a network was trained on
_CONTROLS = ("scratch", "random_frozen", "imagenet", "pixels", "prior")


# Numbers in brackets, such as "(+6.2 points [2.1, 10.4])": set smaller, so that words stand out.
_NUMBERS = re.compile(r"(\([^()]*\[[^\][()]*\]\))")
_ON_RUNS = re.compile(r"\d+ runs? of each arm at ")
_RAREST = "of the rarest class"


@dataclass(frozen=True, kw_only=True)
class VerdictLine:
    """One statement, and what it claims."""

    text: str
    claim: str = "none"

    @property
    def pieces(self) -> tuple[tuple[bool, str], ...]:
        """The text in order, numbers apart from words."""
        return tuple(
            (number % 2 == 1, piece) for number, piece in enumerate(_NUMBERS.split(self.text))
        )


def verdict_lines(lookup: Lookup) -> tuple[VerdictLine, ...]:
    """Return the study's sentences; those with the firmest claims come first."""
    sentences = lookup.results.verdict
    places = [(t, s) for t in lookup.results.headlines for s in lookup.results.strategies]
    if len(places) != len(sentences):
        return tuple(VerdictLine(text=text) for text in sentences)
    firm = {place: _firmness(lookup, *place) for place in places}
    lines = sorted(zip(places, sentences, strict=True), key=lambda pair: -firm[pair[0]])
    return tuple(VerdictLine(text=text, claim=_claim(lookup, *place)) for place, text in lines)


def _claimed(lookup: Lookup, task: str, strategy: str) -> Iterator[Comparison]:
    """Yield the comparisons that claim something: with the twin, or of what is kept as it is."""
    rung = lookup.deciding_rung(task, strategy)
    for found in lookup.results.comparisons:
        is_asked = found.rung == rung or not found.is_like_for_like
        is_own = (found.task, found.arm) == (task, strategy)
        if is_own and is_asked and judge(found) in {"helps", "harms"}:
            yield found


def _firmness(lookup: Lookup, task: str, strategy: str) -> float:
    """Return the largest distance from zero of an interval that claims something."""
    claimed = _claimed(lookup, task, strategy)
    return max((min(abs(c.low or 0.0), abs(c.high or 0.0)) for c in claimed), default=-1.0)


def _claim(lookup: Lookup, task: str, strategy: str) -> str:
    """Say whether pretraining helps or harms; only the twin can show that."""
    claimed = _claimed(lookup, task, strategy)
    words = sorted({judge(c) for c in claimed if c.is_like_for_like}, reverse=True)
    return " and ".join(words) or "none"


def limits(study: Study, lookup: Lookup) -> tuple[str, ...]:
    """Return everything that a reader of the verdict must know, gravest first."""
    found = [
        *_progress(study),
        *_mixed(study),
        *_leaks(study),
        *_failed(study, lookup),
        *_notes(lookup),
        *_guesses(lookup),
        *_unlearnt(lookup),
        *_small(lookup),
        *_few_runs(lookup),
        *_few(study, lookup),
        *_left_out(study),
    ]
    return tuple(dict.fromkeys(found))


def _progress(study: Study) -> Iterator[str]:
    results, planned = study.results, len(study.results.jobs)
    done = len(study.jobs)
    if planned and done + len(results.failures) < planned:
        yield (
            f"Unfinished: {done:,} of {planned:,} adaptations are done. "
            "The same command goes on, and what is said here may change."
        )


def _mixed(study: Study) -> Iterator[str]:
    commits = study.results.run.commits
    if len(commits) > 1:
        yield (
            f"Mixed: runs were done with {len(commits)} versions of the code "
            f"({joined(commits)}), which need not give the same numbers."
        )


def _leaks(study: Study) -> Iterator[str]:
    torn = study.results.data.torn_groups
    if torn:
        yield (
            f"LEAK: {several(torn, 'group')} of one patient's, equal or nearly equal "
            "images lie in more than one part of the split. Scores can be too good."
        )
    config = _config(study)
    strategies = config.get("strategies")
    settings = [config.get("pretrain"), *_settings(strategies if strategies is not None else [])]
    if any("test" in (s.get("parts") or ()) for s in settings if isinstance(s, dict)):
        yield (
            "Transductive: test images were used, unlabelled, in pretraining. Do not compare "
            "these numbers with others."
        )


def _settings(strategies: Any) -> list[Any]:
    found = strategies if isinstance(strategies, list) else []
    return [strategy.get("settings") for strategy in found if isinstance(strategy, dict)]


def _failed(study: Study, lookup: Lookup) -> Iterator[str]:
    for run in study.pretrainings:
        if run.status in {"collapsed", "diverged"}:
            yield f"Pretraining {run.strategy}, seed {run.seed}, {run.status}: {run.reason}."
    failed = len(study.results.failures)
    if failed:
        words = {metric_words(lookup.headline(task)).failure for task in lookup.tasks}
        yield (
            f"{several(failed, 'adaptation')} failed and count as the worst value "
            f"({joined(sorted(words))}). Reasons are below."
        )


def _notes(lookup: Lookup) -> Iterator[str]:
    """Repeat the notes; that on runs is told in words of its own once there are any."""
    are_few = any(True for _ in _few_runs(lookup))
    for note in lookup.results.notes:
        if not (are_few and _ON_RUNS.match(note)):
            yield note


def _guesses(lookup: Lookup) -> Iterator[str]:
    """Name arms that answered every case alike: differences to them are differences to guessing."""
    places: dict[tuple[str, str], list[str]] = {}
    for found in lookup.results.comparisons:
        if not found.is_like_for_like:
            continue  # both arms have comparisons of their own
        where = f"{found.task}, {rung_name(found.rung).lower()}, {found.budget}"
        for arm, number in ((found.arm, found.one_answer), (found.twin, found.twin_one_answer)):
            if number and arm != "pixels":
                runs = several(found.runs or 0, "run")
                share = where if number == found.runs else f"{where} ({number} of {runs})"
                places.setdefault((arm, _remedy(found.rung)), []).append(share)
    for (arm, remedy), wheres in places.items():
        yield (
            f"{arm_name(arm)[:1].upper()}{arm_name(arm)[1:]} gave one answer to every case at "
            f"{'; '.join(dict.fromkeys(wheres))}: a difference to it is a difference to guessing."
            f"{remedy}"
        )


def _unlearnt(lookup: Lookup) -> Iterator[str]:
    """Name twins that had not learnt even their own labels: beating them proves little."""
    for cell in lookup.results.cells:
        facts = lookup.results.tasks.get(cell.task)
        if cell.arm != "scratch" or facts is None or facts.signal != "global":
            continue
        if cell.training is not None and cell.training < _LEARNT:
            metric = metric_words(lookup.headline(cell.task)).label
            yield (
                f"{cell.task}, {cell.budget}: the twin from scratch reaches a {metric} of "
                f"{cell.training:.2f} on the labelled images that it was trained on, so it had not "
                "finished learning, and a difference to it may be one of patience. "
                "Raise adapt.min_steps."
            )


def _remedy(rung: str) -> str:
    return " Raise adapt.max_steps." if rung in {"finetune", "frozen"} else ""


def _small(lookup: Lookup) -> Iterator[str]:
    """Repeat the warnings of the headline metric, with how many cells each is about.

    Those on runs are told in words of their own, those on patients where no note does.
    """
    measures = [
        measure
        for cell in _learnt(lookup)
        if (measure := cell.metrics.get(lookup.headline(cell.task)))
    ]
    noted = [note for note in lookup.results.notes if "no claim is made below" in note]
    is_rare_noted = any(_RAREST in note for note in noted)
    is_noted = any("the test set has" in note and _RAREST not in note for note in noted)
    counts = Counter(
        warning
        for measure in measures
        for warning in set(measure.warnings)
        if "run(s)" not in warning
        and not (is_noted and warning.startswith(f"Only {measure.patients} patients,"))
        and not (is_rare_noted and _RAREST in warning)
    )
    for warning, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        where = "" if number == len(measures) else f" ({number} of {len(measures)} cells)"
        yield warning + where


def _few_runs(lookup: Lookup) -> Iterator[str]:
    """Say what an interval from one or two runs is worth."""
    cells = _learnt(lookup)
    counts = Counter(cell.runs for cell in cells if 0 < cell.runs < FEWEST_RUNS)
    for runs, number in sorted(counts.items()):
        where = "" if number == len(cells) else f" in {number} of {len(cells)} cells"
        what = (
            "intervals are about patients alone, and what another draw of labels would change is "
            "not in them"
            if runs == 1
            else "intervals are wide because of that"
        )
        yield (
            f"Only {several(runs, 'run')}{where}: {what}. No claim is made below {FEWEST_RUNS} "
            "runs; raise draws."
        )


def _learnt(lookup: Lookup) -> list[Cell]:
    return [cell for cell in lookup.results.cells if cell.arm not in {"prior", "pixels"}]


def _few(study: Study, lookup: Lookup) -> Iterator[str]:
    config = _config(study)
    if lookup.results.cells and config.get("pretrain_seeds") == 1:
        yield (
            "Each strategy was pretrained once: how much another seed of pretraining would "
            "change is not in the intervals."
        )
    rows = config.get("test_rows")
    for task, facts in study.results.tasks.items():
        if rows is not None and facts.test_images == rows:
            yield f"{task}: tested on {rows:,} images, an even sample of a larger test part."


def _left_out(study: Study) -> Iterator[str]:
    """Name controls that were not run and that no note speaks of already."""
    chosen = _config(study).get("controls")
    if not isinstance(chosen, list):
        return
    missing = [
        arm_name(control)
        for control in _CONTROLS
        if control not in chosen
        and not any(note.startswith(f"control {control} ") for note in study.results.notes)
    ]
    if missing:
        yield f"Controls that were not run: {', '.join(missing)}."


def _config(study: Study) -> dict[str, Any]:
    return study.results.config or study.settings
