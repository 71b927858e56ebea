"""The gain that a profile may expect of a method: every value that is unknown is tried.

The mean is that over all values; the interval holds the intervals of them all, so that what is
not known can only make it wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from anlage.advisor.budgets import never_rising
from anlage.advisor.gain import NEW, GainModel, Question
from anlage.advisor.mixed import student_quantile
from anlage.advisor.preferences import Case, balance
from anlage.advisor.profile import Profile
from anlage.advisor.results import abundance, place_of, share_of
from anlage.evidence.vocabulary import MODALITIES, TASKS

__all__ = [
    "LEVEL",
    "Forecast",
    "Gap",
    "against_imagenet",
    "imagenet_gain",
    "method_gain",
    "method_gap",
    "weights_gain",
    "yield_of",
]

Array = npt.NDArray[np.float64]

LEVEL = 0.9
"""Level of every prediction interval."""

Method = tuple[str, str, int | None]
"""Paradigm, name and images per update."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What to expect, in points.

    Attributes:
        mean: Expected gain.
        low: Lower end of the 90% prediction interval.
        high: Upper end.
        harm: Probability of a loss.
        terms: What the mean is made of, for the explanation.
    """

    mean: float
    low: float
    high: float
    harm: float
    terms: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What one method gains over another in the same case, with its 90% interval."""

    mean: float
    low: float
    high: float


def method_gain(
    model: GainModel, profile: Profile, *, paradigm: str, method: str, batch: int | None
) -> Forecast:
    """Return the gain of pretraining with a method over a CNN from scratch."""
    questions = _questions(model, profile, paradigm=paradigm, method=method, batch=batch)
    return _joined(model, profile, questions, _shares(model, profile))


def method_gap(model: GainModel, profile: Profile, first: Method, second: Method) -> Gap | None:
    """Return what one method gains over another; None where the case is not fully known.

    Both meet the same images and labels, so most of what makes their gains uncertain falls out.
    """
    asked = [
        _questions(model, profile, paradigm=paradigm, method=method, batch=batch)
        for paradigm, method, batch in (first, second)
    ]
    shares = set(_shares(model, profile))
    if any(len(set(found)) > 1 for found in asked) or len(shares) > 1:
        return None
    (own,), (other,) = asked[0][:1], asked[1][:1]
    _, variance = model.compare(own, other)
    means = _means(model, profile, [own, other], shares.pop())
    reach = student_quantile(0.5 + LEVEL / 2, model.studies - 2) * variance**0.5
    mean = float(means[0] - means[1])
    return Gap(mean=mean, low=mean - reach, high=mean + reach)


def weights_gain(model: GainModel, profile: Profile) -> Forecast:
    """Return the gain of public medical weights: that of an unknown method on plenty of images."""
    questions = [
        _question(case, plenty, 0.0, profile)
        for case, plenty in product(_cases(profile, NEW, NEW, None), _plenty(profile))
    ]
    return _joined(model, profile, questions, (1.0, 1.0))


def imagenet_gain(model: GainModel) -> Forecast:
    """Return the gain of supervised ImageNet weights over scratch, by indirect comparison.

    Results against scratch less results against ImageNet leave what ImageNet itself gains (Bucher
    et al. 1997). From case to case it is assumed to differ as much as that of pretraining.
    """
    mean, error = model.level.slopes["imagenet"]
    spreads = model.level.spreads
    variance = error**2 + sum(spreads[name] ** 2 for name in ("study", "lab", "noise"))
    return _forecast([-mean], [variance], model.studies - 2, {"ImageNet over scratch": -mean})


def against_imagenet(forecast: Forecast, model: GainModel) -> Forecast:
    """Return a gain over ImageNet weights from the gain over scratch."""
    mean, error = model.level.slopes["imagenet"]
    quantile = student_quantile(0.5 + LEVEL / 2, model.studies - 2)
    low = forecast.mean + mean - _joint(forecast.mean - forecast.low, quantile * error)
    high = forecast.mean + mean + _joint(forecast.high - forecast.mean, quantile * error)
    deviation = (high - low) / (2 * quantile)
    return Forecast(
        mean=forecast.mean + mean,
        low=low,
        high=high,
        harm=NormalDist().cdf(-(forecast.mean + mean) / deviation),
        terms={**forecast.terms, "less what ImageNet gains": mean},
    )


def yield_of(profile: Profile) -> tuple[float, float]:
    """Return the least and greatest share of the published gain that so many images give.

    See `results.share_of`.
    """
    if profile.unlabelled is None:
        return 0.0, 1.0
    dims = (f"{profile.dims}d",) if profile.dims else ("2d", "3d")
    shares = [share_of(profile.unlabelled, dim) for dim in dims]
    return min(shares), max(shares)


def _joint(first: float, second: float) -> float:
    return float((first**2 + second**2) ** 0.5)


def _cases(profile: Profile, paradigm: str, method: str, batch: int | None) -> Iterator[Case]:
    modalities = (profile.modality,) if profile.modality else MODALITIES
    tasks = (profile.task,) if profile.task else TASKS
    dims = (f"{profile.dims}d",) if profile.dims else ("2d", "3d")
    signals = (profile.is_local,) if profile.is_local is not None else (False, True)
    for modality, task, dim, is_local in product(modalities, tasks, dims, signals):
        yield Case(
            modality=modality,
            task=task,
            dims=dim,
            paradigm=paradigm,
            method=method,
            is_local=is_local,
            batch=batch,
        )


def _as_learnt(case: Case) -> Case:
    """Return a case as rules saw it when the user's own result was learnt, see `results.case_of`.

    What else is known now was so then too, and is in the result.
    """
    return replace(case, batch=None, is_local=False if case.task == "classification" else None)


def _plenty(profile: Profile) -> tuple[float, ...]:
    """Return how plenty labels are; both ends where it is not known, for the effect is linear."""
    plenty = abundance(profile.share, profile.labelled)
    return (0.0, 1.0) if plenty is None else (plenty,)


def _questions(
    model: GainModel, profile: Profile, *, paradigm: str, method: str, batch: int | None
) -> list[Question]:
    cases = _cases(profile, paradigm, method, batch)
    if model.has_tried(profile.study or NEW, profile.task or NEW, method):
        cases = (_as_learnt(case) for case in cases)
    return [
        _question(case, plenty, float(balance(case)), profile)
        for case, plenty in product(cases, _plenty(profile))
    ]


def _question(case: Case, plenty: float, net: float, profile: Profile) -> Question:
    return Question(
        task=case.task or NEW,
        modality=case.modality or NEW,
        paradigm=case.paradigm,
        method=case.method,
        labels=plenty,
        rules=net,
        place=place_of(profile.labelled),
        study=profile.study or NEW,
    )


def _shares(model: GainModel, profile: Profile) -> tuple[float, float]:
    own = model.own_shares.get((profile.study or NEW, profile.task or NEW))
    return yield_of(profile) if own is None else (own, own)


def _own_budgets(model: GainModel, profile: Profile) -> list[tuple[float, float]]:
    """Return the place of own results on these images and labels, and how plenty those are."""
    counts = model.own_counts.get((profile.study or NEW, profile.task or NEW), ())
    found = []
    for count in counts:
        plenty = abundance(profile.model_copy(update={"labelled": count}).share, count)
        place = place_of(count)
        if plenty is not None and place is not None:
            found.append((place, plenty))
    return found


def _means(
    model: GainModel, profile: Profile, questions: Sequence[Question], share: float
) -> Array:
    """Return the expected gains, (q,): never above those at fewer labels of the same images."""
    budgets = _own_budgets(model, profile)
    means = model.expect(questions, share)
    if not budgets or profile.labelled is None:
        return means
    nodes = [
        replace(question, place=place, labels=plenty)
        for question in questions
        for place, plenty in budgets
    ]
    shape = (len(questions), len(budgets))
    values = model.expect(nodes, share).reshape(shape)
    weights = 1 / np.maximum(model.predict(nodes)[1].reshape(shape), 1e-6)
    places = [place for place, _ in budgets]
    return np.array(
        [
            never_rising(places, one, weight, at=question.place or 0.0, value=float(mean))
            for one, weight, question, mean in zip(values, weights, questions, means, strict=True)
        ]
    )


def _spread_out(
    model: GainModel, profile: Profile, questions: Sequence[Question], share: float
) -> Array:
    """Return the means at own budgets too, (q * budgets,), where that of the case is not known."""
    if profile.labelled is not None:
        return np.empty(0)
    nodes = [
        replace(question, place=place)
        for question in questions
        for place, _ in _own_budgets(model, profile)
    ]
    return model.expect(nodes, share) if nodes else np.empty(0)


def _joined(
    model: GainModel, profile: Profile, questions: Sequence[Question], shares: tuple[float, float]
) -> Forecast:
    distinct = list(dict.fromkeys(questions))
    _, variance = model.predict(distinct)
    means, variances = [], []
    for share in sorted(set(shares)):
        elsewhere = _spread_out(model, profile, distinct, share)
        means += [_means(model, profile, distinct, share), elsewhere]
        variances += [variance, np.repeat(variance, len(elsewhere) // len(distinct))]
    literature = model.published or model
    expected = float(model.literature(distinct).mean())
    slope = literature.level.slopes["labels"][0]
    labels = float(np.mean([question.labels for question in distinct]))
    rules = float(np.mean([question.rules for question in distinct])) * literature.rule_worth
    share = float(np.mean(sorted(set(shares))))
    mean = np.concatenate(means)
    terms = {
        "level for task and modality": expected - slope * labels - rules,
        "how plenty labels are": slope * labels,
        "design rules": rules,
        "share that so few images give": share,
    }
    if model.published is not None:
        terms["your own studies, on top"] = float(mean.mean()) - share * expected
    return _forecast(mean.tolist(), np.concatenate(variances).tolist(), model.studies - 2, terms)


def _forecast(
    means: Sequence[float], variances: Sequence[float], df: int, terms: dict[str, float]
) -> Forecast:
    mu, sd = np.asarray(means, dtype=float), np.sqrt(np.asarray(variances, dtype=float))
    reach = student_quantile(0.5 + LEVEL / 2, df)
    mean = float(mu.mean())
    return Forecast(
        mean=mean,
        low=float((mu - reach * sd).min()),
        high=float((mu + reach * sd).max()),
        harm=float(np.mean([NormalDist(m, s).cdf(0.0) for m, s in zip(mu, sd, strict=True)])),
        terms=terms,
    )
