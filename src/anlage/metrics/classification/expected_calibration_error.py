"""Expected calibration error: do cases forecast at 80 % turn out true in 80 %?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._calibration import confidence_and_outcome, equal_mass_bins, sum_by_bin
from anlage.metrics._labels import probabilities
from anlage.metrics._ratios import ratio

__all__ = ["expected_calibration_error"]


@metric(
    label="ECE",
    tasks=("binary", "multiclass", "ordinal"),
    direction="lower",
    bounds=(0.0, 1.0),
    failure="a failed case is certain of a wrong class, in a bin of its own",
)
def expected_calibration_error(
    target: npt.ArrayLike, probability: npt.ArrayLike, *, num_bins: int = 15
) -> Statistic:
    """Mean distance, over bins of equal size, between mean confidence and share of true cases.

    Two classes: the probability of class 1 against how often it is class 1. More classes: the
    highest probability against how often that class is right. A perfectly calibrated model
    does not score 0 on few cases: read it beside `calibration_null`.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K); NaN for a failed case.
        num_bins: Bins; fewer are used where many confidences are equal. They are fixed on
            all cases, so that replicates share them.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a value is not a class or not a probability.
        ConfigError: If there is no bin.

    Source:
        Equal-mass bins: Nixon et al., CVPR Workshops 2019, arXiv:1904.01685.
    """
    given = probabilities(target, probability)
    confidence, is_true = confidence_and_outcome(given)
    to_bins = sum_by_bin(equal_mass_bins(confidence, given.is_failed, num_bins))
    excess = (confidence - is_true)[:, None]

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        total = weights.sum(axis=0)
        distance = np.abs(to_bins @ (weights * excess)).sum(axis=0)
        return ratio(distance, total, total > 0)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(given.target),
        num_failed=int(np.sum(given.is_failed)),
        undefined="ECE needs at least one case.",
        classes=given.classes,
    )
