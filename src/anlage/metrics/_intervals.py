"""From draws of patients and runs to an interval, and to a p-value.

One arm: bias-corrected and accelerated bootstrap (BCa), read at quantiles of Student's t and
widened by sqrt(G / (G - 1)) for G patients, since a bootstrap of few patients is too narrow.
Difference of two arms: value -+ t times the standard deviation of the replicates, widened
alike; a difference is close to symmetric, and there BCa excludes 0 too often.
Runs are the outer level: each replicate draws them with replacement, and their deviations are
stretched by sqrt(m / (m - 1)) for m runs, without which three runs would show two thirds of
their variance. The quantile of t is the mean of that of the patients and that of the runs,
weighted by the variance each adds.
``benchmarks/coverage.py`` measures all this, beside plain percentiles, which cover less.

Sources: Efron, JASA 82:171 (1987), for BCa; Hesterberg, The American Statistician 69:371
(2015), for the widened quantiles; Cochran, Biometrics 20:191 (1964), for the mean of two
quantiles; Rao and Wu, JASA 83:231 (1988), for the stretched draws; Dorfman, Berbaum and Metz,
Investigative Radiology 27:723 (1992), for patients crossed with runs (their readers) through
jackknife values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri, stdtrit

from anlage.metrics._arrays import Floats
from anlage.metrics._estimate import Estimate
from anlage.metrics._resampling import Plan, Resampled
from anlage.metrics._statistic import Statistic

__all__ = ["draw_runs", "estimate_of", "two_sided_p_value"]

_FLIPS = 1000  # sign vectors held at once
_HALVINGS = 50


def estimate_of(
    terms: Sequence[Resampled],
    arms: Sequence[Sequence[Statistic]],
    plan: Plan,
    rng: np.random.Generator,
    *,
    is_difference: bool,
) -> Estimate:
    """Draw runs, form the interval, and count what limits it.

    Args:
        terms: The arm, or what adds up to the difference of two.
        arms: The runs behind the terms.
        plan: As drawn.
        rng: Random numbers.
        is_difference: Which of the two kinds of interval to form.
    """
    value = sum(float(term.full.mean()) for term in terms)
    is_defined = not np.isnan(value)
    replicates = draw_runs(terms, rng)
    first = arms[0][0]
    form = _t_interval if is_difference else _bca_interval
    ends = form(replicates, terms, plan.level) if is_defined else None
    least, greatest = (-np.inf, np.inf) if is_difference else first.bounds
    num_runs = min(len(term.full) for term in terms)
    run_variance = sum(float(term.full.var(ddof=1)) for term in terms) if num_runs > 1 else 0.0
    return Estimate(
        value=value if is_defined else None,
        low=max(ends[0], least) if ends else None,
        high=min(ends[1], greatest) if ends else None,
        level=plan.level,
        reason="" if is_defined else first.undefined,
        replicates=replicates,
        num_cases=first.num_cases,
        num_patients=plan.patients.count,
        num_rare=plan.patients.num_rarest(first.classes),
        num_runs=num_runs,
        num_failed=sum(run.num_failed for arm in arms for run in arm),
        run_std=float(np.sqrt(run_variance)) if is_defined and num_runs > 1 else None,
    )


def draw_runs(terms: Sequence[Resampled], rng: np.random.Generator) -> Float[Floats, " B"]:
    """Return one value per replicate: the sum over terms of the mean of runs drawn from each."""
    total = np.zeros(len(terms[0].replicates))
    for term in terms:
        num_runs = len(term.full)
        drawn = rng.multinomial(num_runs, np.full(num_runs, 1 / num_runs), size=len(total))
        stretch = np.sqrt(num_runs / (num_runs - 1)) if num_runs > 1 else 1.0
        shares = 1 / num_runs + stretch * (drawn / num_runs - 1 / num_runs)
        total += (shares * term.replicates).sum(axis=1)
    return total


def _bca_interval(
    replicates: Float[Floats, " B"], terms: Sequence[Resampled], level: float
) -> tuple[float, float] | None:
    defined = np.sort(replicates[~np.isnan(replicates)])
    if not len(defined):
        return None
    value = sum(float(term.full.mean()) for term in terms)
    tolerance = 1e-12 * max(1.0, abs(value))
    below = np.searchsorted(defined, value - tolerance)
    up_to = np.searchsorted(defined, value + tolerance, side="right")
    share = (below + up_to) / 2 / len(defined)
    edge = 1 / (len(defined) + 1)
    bias = float(ndtri(np.clip(share, edge, 1 - edge)))
    influence = _contributions(terms)
    influence = influence - influence.mean()
    square = float((influence**2).sum())
    acceleration = float((influence**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
    count = len(influence)
    reach = _critical(_variances(terms), 1 - level) * np.sqrt(count / (count - 1))
    shifted = bias + np.array([-reach, reach])
    levels = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-6))
    low, high = np.quantile(defined, levels)
    return float(low), float(high)


def _t_interval(
    replicates: Float[Floats, " B"], terms: Sequence[Resampled], level: float
) -> tuple[float, float] | None:
    error = _standard_error(replicates, terms)
    if error is None:
        return None
    value = sum(float(term.full.mean()) for term in terms)
    reach = _critical(_variances(terms), 1 - level) * error
    return value - reach, value + reach


def two_sided_p_value(
    delta: Estimate, terms: Sequence[Resampled], num_permutations: int, rng: np.random.Generator
) -> float:
    """Return the p-value of "no difference": the larger of two, so both must be convinced.

    The first flips signs: if the arms do not differ, what each patient contributes to the
    difference is as likely to be its opposite, as if the arms were swapped for that patient.
    Contributions are jackknife pseudo-values, so any metric will do; for a mean over cases,
    one per patient, this is the exact swap test. It knows nothing of runs, and fails for
    metrics with steps, such as a sensitivity at a specificity, whose jackknife is mostly zero.
    The second, value over standard error, covers both: it is below 1 - level exactly where
    the interval excludes 0.

    Args:
        delta: The difference.
        terms: What adds up to it.
        num_permutations: Random sign vectors.
        rng: Random numbers.
    """
    contributions = _contributions(terms)
    observed = abs(float(contributions.sum())) * (1 - 1e-9)
    exceeding = 0
    for start in range(0, num_permutations, _FLIPS):
        rows = min(_FLIPS, num_permutations - start)
        signs = 2.0 * rng.integers(2, size=(rows, len(contributions))) - 1.0
        exceeding += int((np.abs(signs @ contributions) >= observed).sum())
    by_flips = (1 + exceeding) / (1 + num_permutations)
    error = _standard_error(delta.replicates, terms)
    if not delta.value or not error:
        return 1.0 if not delta.value else by_flips
    ratio = abs(delta.value) / error
    low, high = 0.0, 1.0
    variances = _variances(terms)
    for _ in range(_HALVINGS):  # the p-value at which the interval's edge touches 0
        middle = (low + high) / 2
        low, high = (low, middle) if _critical(variances, middle) < ratio else (middle, high)
    return max(by_flips, high)


def _standard_error(replicates: Float[Floats, " B"], terms: Sequence[Resampled]) -> float | None:
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < 2:
        return None
    count = len(terms[0].left_out)
    return float(defined.std(ddof=1) * np.sqrt(count / (count - 1)))


def _critical(variances: Sequence[tuple[float, int]], p_value: float) -> float:
    """Return how many standard errors a two-sided p-value is worth.

    Patients and runs have each their own quantile of Student's t; the mean of these, weighted
    by the variance each adds, is on the safe side where runs are few (Cochran).
    """
    weights = np.array([variance for variance, _ in variances])
    quantiles = -stdtrit([freedom for _, freedom in variances], p_value / 2)
    total = float(weights.sum())
    return float(weights @ quantiles) / total if total > 0 else float(quantiles[0])


def _variances(terms: Sequence[Resampled]) -> list[tuple[float, int]]:
    """Return variance and degrees of freedom, first of the patients, then of each term's runs."""
    values = _contributions(terms)
    patients = (float(values.var(ddof=1)) / len(values), len(values) - 1)
    runs = [(_run_variance(term), len(term.full) - 1) for term in terms if len(term.full) > 1]
    return [patients, *runs]


def _run_variance(term: Resampled) -> float:
    """Variance of the mean over runs that comes from the runs, not from who was scanned."""
    num_runs = len(term.full)
    values = _pseudo_values(term)
    centred = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    crossed = float((centred**2).sum()) / ((len(values) - 1) * (num_runs - 1))
    between = float(term.full.var(ddof=1)) / num_runs
    return max(0.0, between - crossed / (len(values) * num_runs))


def _contributions(terms: Sequence[Resampled]) -> Float[Floats, " J"]:
    """Return what each patient or block adds to the value, (J,); their mean is the value."""
    per_term = np.stack([_pseudo_values(term).mean(axis=1) for term in terms])
    total: Float[Floats, " J"] = per_term.sum(axis=0)
    return total


def _pseudo_values(term: Resampled) -> Float[Floats, "J runs"]:
    count = len(term.left_out)
    values: Float[Floats, "J runs"] = count * term.full - (count - 1) * term.left_out
    return values
