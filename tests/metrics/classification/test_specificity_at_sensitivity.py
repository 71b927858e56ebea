import numpy as np
import pytest
from sklearn.metrics import roc_curve

from anlage.errors import ConfigError
from anlage.metrics.classification.specificity_at_sensitivity import (
    specificity_at_sensitivity_score as score_of,
)


@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 0.9, 1.0])
def test_equals_the_roc_curve_of_sklearn(binary, rng, sensitivity):
    weights = rng.random((3, len(binary[0])))
    found = score_of.prepare(*binary, sensitivity=sensitivity).replicates(weights)
    for row, value in zip(weights, found, strict=True):
        fpr, tpr, _ = roc_curve(*binary, sample_weight=row, drop_intermediate=False)
        assert value == pytest.approx((1 - fpr)[tpr >= sensitivity - 1e-9].max())


def test_edges():
    assert score_of([1, 1], [0.1, 0.2]).value is None
    assert score_of([0, 1, 1], [0.1, np.nan, 0.9], sensitivity=0.9).value == 0.0
    with pytest.raises(ConfigError, match="sensitivity must lie in"):
        score_of([0, 1], [0.1, 0.2], sensitivity=-0.1)
