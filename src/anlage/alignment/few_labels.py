"""Few labels: a probe is fitted on a handful of patients and tested on the others, many times.

Two kinds of features meet the same draws. The interval of their difference leaves out a tenth of
the patients at a time, from what is fitted and from what is tested (delete-a-group jackknife with
Student's t: Shao and Tu, "The jackknife and bootstrap", 1995, section 2.2): over many draws every
patient is fitted on and tested, so drawing only test patients again would leave half of the
variance out. What the features themselves were learnt from stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from scipy.stats import t as student

from anlage.alignment.material import Target
from anlage.alignment.probe import scores

__all__ = ["SHOTS", "Difference", "compared"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

SHOTS = 10  # labelled patients per class
_DRAWS = 50
_GROUPS = 10
_LEAST = 20  # labelled patients: of fewer, neither the number nor its interval can be trusted
_RIDGE = 1.0  # share of the mean squared length


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better a probe of few labels reads one kind of features than another.

    Attributes:
        value: Difference of the scores, the mean over draws of labelled patients.
        low: Lower end of its 95 % interval over patients; None where too few draws are left.
        high: Its upper end.
        first: Score of the probe on the features that are compared with.
        fitted: Labelled patients per class that were fitted on, at most; of a quantity in all.
    """

    value: float
    low: float | None
    high: float | None
    first: float
    fitted: int


def compared(
    first: Float[Floats, "n _"],
    second: Float[Floats, "n _"],
    target: Target,
    patients: Rows,
    *,
    shots: int,
    seed: int,
) -> Difference | None:
    """Fit and test a probe on both kinds of features.

    Both are centred and given a mean squared length of one; the ridge is the same share of it.

    Args:
        first: Features that are compared with.
        second: Features that are judged.
        target: What is read; images without it are left out.
        patients: Number of each image's patient, (n,).
        shots: Labelled patients per class, at most half of the class's; of a quantity twice as
            many in all.
        seed: Seed of the draws.

    Returns:
        None for fewer than 20 labelled patients, fewer than two classes of two patients, features
        that are all alike, or where most draws hold no patient of some class.
    """
    values = _testable(target, patients)
    if values is None or first.shape[1] == 0 or second.shape[1] == 0:
        return None
    both = (_unit(first), _unit(second))
    labelled = np.unique(patients[np.isfinite(values)])
    rng = np.random.default_rng((seed, 1))
    group = rng.permutation(len(labelled)) % _GROUPS
    orders = [rng.permutation(len(values)) for _ in range(_DRAWS)]
    count = len(target.classes)

    def mean_scores(left_out: Rows) -> tuple[Floats, int] | None:
        known = np.where(np.isin(patients, left_out), np.nan, values)
        found, most = [], 0
        for fit, test in _splits(known, patients, orders, shots=shots, is_class=count > 0):
            pair = [_score(one, fit, test, known, num_classes=count) for one in both]
            if np.isfinite(pair).all():
                found.append(pair)
                most = max(most, len(fit) if not count else int(_counts(known[fit]).max()))
        return (np.mean(found, axis=0), most) if len(found) > _DRAWS / 2 else None

    everyone = mean_scores(np.zeros(0, dtype=np.int64))
    if everyone is None:
        return None
    (before, after), fitted = everyone
    low = high = None
    parts = [mean_scores(labelled[group == number]) for number in range(_GROUPS)]
    left = [one[0][1] - one[0][0] for one in parts if one is not None]
    if len(left) == _GROUPS:
        reach = student.ppf(0.975, _GROUPS - 1) * np.sqrt((_GROUPS - 1) * np.var(left))
        low, high = after - before - reach, after - before + reach
    return Difference(
        value=float(after - before),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        first=float(before),
        fitted=fitted,
    )


def _testable(target: Target, patients: Rows) -> Floats | None:
    """Return the values, without classes of a single patient; None if too little is left."""
    values = target.values.copy()
    for number in range(len(target.classes)):
        own = values == number
        if own.any() and len(np.unique(patients[own])) < 2:
            values[own] = np.nan
    known = np.isfinite(values)
    if len(np.unique(patients[known])) < _LEAST or len(np.unique(values[known])) < 2:
        return None
    return values


def _splits(
    values: Floats, patients: Rows, orders: list[Rows], *, shots: int, is_class: bool
) -> Iterator[tuple[Rows, Rows]]:
    """Yield one image each of a few patients per class, and all labelled images of the others.

    A draw without a patient of some class is left out.
    """
    classes = np.unique(values[np.isfinite(values)])
    for drawn in orders:
        order = drawn[np.isfinite(values[drawn])]
        _, first = np.unique(patients[order], return_index=True)
        one_each = order[np.sort(first)]
        groups = [one_each[values[one_each] == one] for one in classes] if is_class else [one_each]
        most = shots if is_class else 2 * shots
        chosen = [group[: min(most, len(group) // 2)] for group in groups]
        if min(map(len, chosen), default=0):
            fit = np.concatenate(chosen)
            yield fit, order[~np.isin(patients[order], patients[fit])]


def _score(features: Floats, fit: Rows, test: Rows, values: Floats, *, num_classes: int) -> float:
    """Fit ridge regression on some images, and score its answers for others."""
    wanted = np.eye(num_classes)[values[fit].astype(int)] if num_classes else values[fit, None]
    kernel = features[fit] @ features[fit].T
    ridge = max(_RIDGE * np.trace(kernel) / len(fit), 1e-12)
    inner = np.linalg.solve(kernel + ridge * np.eye(len(fit)), wanted - wanted.mean(axis=0))
    predicted = features[test] @ (features[fit].T @ inner)
    weights = np.ones((1, len(test)))
    return float(scores(predicted, values[test], weights, num_classes=num_classes)[0])


def _counts(classes: Floats) -> Rows:
    return np.unique(classes, return_counts=True)[1]


def _unit(features: Floats) -> Floats:
    """Centre features and give them a mean squared length of one."""
    centred = features - features.mean(axis=0)
    length = np.sqrt(np.square(centred).sum(axis=1).mean())
    found: Floats = centred / max(length, 1e-12)
    return found
