import numpy as np
import pytest
from sklearn.metrics import roc_curve

from anlage.errors import ConfigError
from anlage.metrics.classification.sensitivity_at_specificity import (
    sensitivity_at_specificity_score as score_of,
)


@pytest.mark.parametrize("specificity", [0.0, 0.5, 0.9, 1.0])
def test_equals_the_roc_curve_of_sklearn(binary, rng, specificity):
    weights = rng.random((3, len(binary[0])))
    found = score_of.prepare(*binary, specificity=specificity).replicates(weights)
    for row, value in zip(weights, found, strict=True):
        fpr, tpr, _ = roc_curve(*binary, sample_weight=row, drop_intermediate=False)
        assert value == pytest.approx(tpr[fpr <= 1 - specificity + 1e-9].max())


def test_a_tenth_of_ten_negatives_is_one():
    score = np.r_[np.arange(10) / 10, 0.85, 0.95]
    target = np.r_[np.zeros(10, int), 1, 1]
    assert score_of(target, score, specificity=0.9).value == 1.0
    assert score_of(target, score, specificity=0.91).value == 0.5


def test_equal_scores_are_called_alike():
    assert score_of([0, 1], [0.5, 0.5], specificity=0.9).value == 0.0


def test_edges():
    assert score_of([1, 1], [0.1, 0.2]).value is None
    assert score_of([0, 0, 1], [np.nan, 0.1, 0.9], specificity=0.9).value == 0.0
    with pytest.raises(ConfigError, match="specificity must lie in"):
        score_of([0, 1], [0.1, 0.2], specificity=90)
