"""Operating threshold: chosen on validation cases, so that test cases are judged honestly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.errors import ConfigError, DataError
from anlage.metrics._rankings import rankings

__all__ = ["operating_threshold"]


def operating_threshold(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    specificity: float | None = None,
    sensitivity: float | None = None,
) -> float:
    """Return the score from which on a case is called positive.

    Give one rate. For a specificity it is the lowest threshold that keeps it, for a
    sensitivity the highest, so the other rate is as good as it can be. Failed cases have no
    score and play no part here; they count where the threshold is judged.

    Args:
        target: Classes 0 and 1 of the validation cases, (M,).
        score: Higher means more likely, (M,) or probabilities (M, 2).
        specificity: Share of negatives that must stay below the threshold.
        sensitivity: Share of positives that must reach it.

    Returns:
        One of the scores, or infinity where only calling nothing positive keeps the rate.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a class has no usable case.
        ConfigError: If not exactly one rate is given, or it is not in [0, 1].
    """
    rate = sensitivity if specificity is None else specificity
    if rate is None or (specificity is not None and sensitivity is not None):
        raise ConfigError(
            f"give exactly one of specificity and sensitivity, got {specificity} and "
            f"{sensitivity}. A threshold can be fixed by one rate only."
        )
    if not 0 <= rate <= 1:
        raise ConfigError(f"a rate must lie in [0, 1], got {rate}. Write 90 % as 0.9.")
    problems = rankings(target, score)
    if problems.score.shape[1] != 1:
        raise ConfigError(
            f"a threshold needs a binary task, got {problems.score.shape[1]} scores per case. "
            "Choose one threshold per label."
        )
    is_positive, scores = problems.is_positive[:, 0], problems.score[:, 0]
    is_usable = np.isfinite(scores)
    wanted = np.sort(scores[is_usable & (is_positive == (specificity is None))])
    if not len(wanted):
        raise DataError(
            "a threshold needs validation cases of the class whose rate it keeps, got none. Use a "
            "larger validation set."
        )
    if specificity is None:
        num_allowed = int(np.floor((1 - rate) * len(wanted) + 1e-9))  # positives given up
        return float(wanted[num_allowed]) if num_allowed < len(wanted) else float("inf")
    num_below = int(np.ceil(rate * len(wanted) - 1e-9))
    floor = wanted[num_below - 1] if num_below else -np.inf
    above = scores[is_usable & (scores > floor)]
    return float(above.min()) if len(above) else float("inf")
