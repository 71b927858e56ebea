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

from anlage.advisor.gain import NEW, GainModel, Question
from anlage.advisor.mixed import student_quantile
from anlage.advisor.preferences import Case, balance
from anlage.advisor.profile import Profile
from anlage.advisor.results import abundance, share_of
from anlage.evidence.vocabulary import MODALITIES, TASKS

__all__ = ["LEVEL", "Forecast", "against_imagenet", "imagenet_gain", "method_gain", "yield_of"]

LEVEL = 0.9
"""Level of every prediction interval."""

CAUTIOUS = 0.4
"""What is ranked by is exceeded in all but this share of cases: odds of 3 to 2."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What to expect, in points.

    Attributes:
        mean: Expected gain.
        low: Lower end of the 90% prediction interval.
        high: Upper end.
        cautious: Gain that is exceeded in 6 of 10 cases.
        harm: Probability of a loss.
        terms: What the mean is made of, for the explanation.
    """

    mean: float
    low: float
    high: float
    cautious: float
    harm: float
    terms: dict[str, float]


def method_gain(
    model: GainModel, profile: Profile, *, paradigm: str, method: str, batch: int | None
) -> Forecast:
    """Return the gain of pretraining with a method over a CNN from scratch."""
    cases = _cases(profile, paradigm, method, batch)
    if model.has_tried(profile.study or NEW, profile.task or NEW, method):
        cases = (_as_learnt(case) for case in cases)
    questions = [
        _question(case, plenty, float(balance(case)), profile.study)
        for case, plenty in product(cases, _plenty(profile))
    ]
    own = model.own_shares.get((profile.study or NEW, profile.task or NEW))
    shares = yield_of(profile) if own is None else (own, own)
    return _joined(model, questions, shares, df=model.studies - 2)


def weights_gain(model: GainModel, profile: Profile) -> Forecast:
    """Return the gain of public medical weights: that of an unknown method on plenty of images."""
    questions = [
        _question(case, plenty, 0.0, profile.study)
        for case, plenty in product(_cases(profile, NEW, NEW, None), _plenty(profile))
    ]
    return _joined(model, questions, (1.0, 1.0), df=model.studies - 2)


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
        cautious=forecast.cautious + mean,
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


def _question(case: Case, plenty: float, net: float, study: str | None) -> Question:
    return Question(
        task=case.task or NEW,
        modality=case.modality or NEW,
        paradigm=case.paradigm,
        method=case.method,
        labels=plenty,
        rules=net,
        study=study or NEW,
    )


def _joined(
    model: GainModel, questions: Sequence[Question], shares: tuple[float, float], *, df: int
) -> Forecast:
    distinct = list(dict.fromkeys(questions))
    _, variance = model.predict(distinct)
    ends = sorted(set(shares))
    means = np.concatenate([model.expect(distinct, share) for share in ends])
    variances = np.tile(variance, len(ends))
    literature = model.published or model
    expected = float(model.literature(distinct).mean())
    slope = literature.level.slopes["labels"][0]
    labels = float(np.mean([question.labels for question in distinct]))
    rules = float(np.mean([question.rules for question in distinct])) * literature.rule_worth
    share = float(np.mean(ends))
    terms = {
        "level for task and modality": expected - slope * labels - rules,
        "how plenty labels are": slope * labels,
        "design rules": rules,
        "share that so few images give": share,
    }
    if model.published is not None:
        terms["your own studies, on top"] = float(means.mean()) - share * expected
    return _forecast(means.tolist(), variances.tolist(), df, terms)


def _forecast(
    means: Sequence[float], variances: Sequence[float], df: int, terms: dict[str, float]
) -> Forecast:
    mu, sd = np.asarray(means, dtype=float), np.sqrt(np.asarray(variances, dtype=float))
    reach = student_quantile(0.5 + LEVEL / 2, df)
    mean = float(mu.mean())
    whole = float((np.mean(sd**2) + mu.var()) ** 0.5)
    return Forecast(
        mean=mean,
        low=float((mu - reach * sd).min()),
        high=float((mu + reach * sd).max()),
        cautious=mean + student_quantile(CAUTIOUS, df) * whole,
        harm=float(np.mean([NormalDist(m, s).cdf(0.0) for m, s in zip(mu, sd, strict=True)])),
        terms=terms,
    )
