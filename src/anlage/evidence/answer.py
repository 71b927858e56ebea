"""One question to the base: the pooled effect of SSL for a modality, task, budget and method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from anlage.evidence import bias
from anlage.evidence.base import Base, Words, known_words, select
from anlage.evidence.effects import (
    CORRELATION,
    StudyEffect,
    VarianceModel,
    comparable,
    scale_of,
    study_effects,
    variance_model,
)
from anlage.evidence.labels import read_label_rule
from anlage.evidence.meta import Estimator, RandomEffects, random_effects
from anlage.evidence.records import Row
from anlage.evidence.shrinkage import Expectation, PartialPooling
from anlage.evidence.vocabulary import BANDS, BASELINES, CONTROLS, Scale

__all__ = ["MIN_SURROUNDINGS", "Answer", "pooled_effect"]

MIN_SURROUNDINGS = 10
"""Studies on one scale below which partial pooling would lend certainty it does not have."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the base says to one question; effects above zero speak for SSL.

    Attributes:
        question: The filters, as given.
        listed: Every row that the filters find, with or without figures.
        rows: The rows that enter the number, of ``studies``.
        scale: ``points``, or ``ratio``: 100 times the logarithm of an error's reduction.
        pooled: Random-effects result of exactly these rows; None without any.
        expected: The same question after partial pooling over the whole base, for sparse cells;
            None where nothing was asked or the scale has fewer than ten studies.
        supporting, opposing: Ids of rows above and below zero; rows at zero are in neither.
        negative: Share of results below the control.
        egger: Small-study check; None where too few sources print standard errors.
        own_gap: Methods in their own study against elsewhere; None for too few.
        left_out: Listed rows that enter no number, counted by reason.
    """

    question: dict[str, str]
    listed: tuple[Row, ...]
    rows: tuple[Row, ...]
    scale: Scale
    studies: tuple[StudyEffect, ...]
    pooled: RandomEffects | None
    expected: Expectation | None
    supporting: tuple[str, ...]
    opposing: tuple[str, ...]
    negative: bias.Share | None
    egger: bias.Egger | None
    own_gap: bias.OwnGap | None
    variance: VarianceModel
    left_out: Counter[str]


def pooled_effect(
    base: Base,
    *,
    modality: Words = None,
    task: Words = None,
    paradigm: Words = None,
    method: Words = None,
    labels: str | None = None,
    dims: Words = None,
    baseline: Words = None,
    verified_only: bool = True,
    scale: Scale | None = None,
    estimator: Estimator = "pm",
    correlation: float = CORRELATION,
) -> Answer:
    """Pool the results that answer a question, every study counting once.

    Args:
        base: The evidence base, from `load`.
        modality: Imaging modality; this and the next five are filters, see `select`.
        task: Downstream task.
        paradigm: Paradigm of the method.
        method: Pretext method.
        labels: Share or number of labels, or a band.
        dims: Dimensions of the images.
        baseline: What SSL is compared with; None means the controls without self-supervision
            (scratch, ImageNet, other transfer, supervised).
        verified_only: Whether rows read second-hand stay out of every number.
        scale: ``points`` or ``ratio``; None takes the one with more studies.
        estimator: Of the variance between studies, see `random_effects`.
        correlation: Assumed correlation between two results of one study.

    Raises:
        ConfigError: If a filter names what the base does not know.
    """
    filters = {
        "modality": modality,
        "task": task,
        "paradigm": paradigm,
        "method": method,
        "dims": dims,
        "baseline": baseline,
    }
    listed = select(
        base.rows,
        modality=modality,
        task=task,
        paradigm=paradigm,
        method=method,
        labels=labels,
        dims=dims,
        baseline=baseline,
    )
    against = _chosen(baseline)
    fit, left_out = _fitting(listed, against=against, verified_only=verified_only)
    scale = scale or scale_of(fit)
    rows, others = comparable(fit, scale)
    left_out += others
    model, pooling = _surroundings(base, against, verified_only, scale, correlation)
    studies = study_effects(rows, model)
    question = {name: _shown(words) for name, words in filters.items() if words is not None}
    if labels is not None:
        question["labels"] = labels
    printed = [s for s in studies if _is_printed(s, rows)]
    return Answer(
        question=question,
        listed=listed,
        rows=tuple(rows),
        scale=scale,
        studies=studies,
        pooled=random_effects(
            [s.mean for s in studies], [s.variance for s in studies], estimator=estimator
        )
        if studies
        else None,
        expected=pooling.expect(_cell(question, rows), rows) if question and pooling else None,
        supporting=tuple(row.row for row in rows if (row.effect or 0.0) > 0),
        opposing=tuple(row.row for row in rows if (row.effect or 0.0) < 0),
        negative=bias.negative_share(rows),
        egger=bias.egger([s.mean for s in printed], [s.variance**0.5 for s in printed])
        if printed
        else None,
        own_gap=bias.own_against_other(rows, model),
        variance=model,
        left_out=left_out,
    )


@lru_cache(maxsize=16)
def _surroundings(
    base: Base, against: frozenset[str], verified_only: bool, scale: Scale, correlation: float
) -> tuple[VarianceModel, PartialPooling | None]:
    """Fit what every question to a base shares: the variance of a row, and partial pooling."""
    fit, _ = _fitting(base.rows, against=against, verified_only=verified_only)
    rows, _ = comparable(fit, scale)
    model = variance_model(rows, scale, correlation=correlation)
    is_enough = len({row.study for row in rows}) >= MIN_SURROUNDINGS
    return model, PartialPooling(rows, model) if is_enough else None


def _fitting(
    rows: Iterable[Row], *, against: frozenset[str], verified_only: bool
) -> tuple[list[Row], Counter[str]]:
    """Keep rows with read figures against the wanted baseline; count the others."""
    kept: list[Row] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        if not row.has_pair:
            left_out["figures not read"] += 1
        elif verified_only and not row.is_verified:
            left_out["figures read second-hand"] += 1
        elif row.baseline_type not in against:
            left_out["compared with another method, not with a control"] += 1
        else:
            kept.append(row)
    return kept, left_out


def _chosen(baseline: Words) -> frozenset[str]:
    if baseline is None:
        return frozenset(CONTROLS)
    return frozenset(known_words("baseline", baseline, BASELINES) or CONTROLS)


def _cell(question: dict[str, str], rows: Iterable[Row]) -> dict[str, str]:
    """Return the levels that a question fixes: one word each, and one band if rows share it."""
    fixed: dict[str, str] = {
        name: question[name]
        for name in ("task", "paradigm", "modality")
        if name in question and ", " not in question[name]
    }
    if "paradigm" not in fixed and "method" in question:
        own = {row.paradigm for row in rows}
        fixed |= {"paradigm": own.pop()} if len(own) == 1 else {}
    if "labels" in question:
        bands = {row.band for row in rows}
        if read_label_rule(question["labels"]).text in BANDS:
            fixed["band"] = question["labels"].strip().lower()
        elif len(bands) == 1:
            fixed["band"] = bands.pop()
    return fixed


def _is_printed(study: StudyEffect, rows: Iterable[Row]) -> bool:
    return any(row.row in study.rows and row.delta_se is not None for row in rows)


def _shown(words: Words) -> str:
    given = [words] if isinstance(words, str) else list(words or ())
    return ", ".join(part.strip().lower() for word in given for part in word.split(","))
