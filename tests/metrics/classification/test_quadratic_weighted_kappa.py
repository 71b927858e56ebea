import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from anlage.metrics.classification.quadratic_weighted_kappa import (
    quadratic_weighted_kappa_score as score,
)


def reference(*data, **extra):
    return cohen_kappa_score(*data, weights="quadratic", **extra)


def test_equals_sklearn(multiclass, rng):
    target, probability = multiclass
    found = probability.argmax(axis=1)
    assert score(target, probability).value == pytest.approx(reference(target, found))
    weights = rng.random((2, len(target)))
    expected = [reference(target, found, sample_weight=row) for row in weights]
    assert score.prepare(target, found).replicates(weights) == pytest.approx(expected)


def test_far_misses_cost_more():
    target = [0, 1, 2, 3, 4]
    assert score(target, target).value == 1.0
    assert score(target, [1, 1, 2, 3, 4]).value > score(target, [4, 1, 2, 3, 4]).value
    assert score(target, [2] * 5).value == 0.0
    assert score([1, 1, 1], [0, 1, 2]).value is None


def test_failed_case_is_the_farthest_miss():
    target = [0, 1, 2, 3, 4]
    assert score(target, [0, np.nan, 2, 3, 4]).value == score(target, [0, 4, 2, 3, 4]).value
    middle = [score(target, [0, 1, end, 3, 4]).value for end in (0, 4)]
    assert score(target, [0, 1, np.nan, 3, 4]).value == pytest.approx(np.mean(middle), abs=0.01)
    four = score([0, 1, 2], [np.nan, 1, 2], num_classes=4).value
    assert four < score([0, 1, 2], [np.nan, 1, 2], num_classes=3).value
