import numpy as np
import pytest
from sklearn.metrics import r2_score as reference

from anlage.metrics.regression.r2 import r2_score


def test_equals_sklearn(numbers, rng):
    weights = rng.random((2, len(numbers[0])))
    assert r2_score(*numbers).value == pytest.approx(reference(*numbers))
    expected = [reference(*numbers, sample_weight=row) for row in weights]
    assert r2_score.prepare(*numbers).replicates(weights) == pytest.approx(expected)


def test_mean_predictor_scores_0_far_from_the_origin_too():
    target = 1e6 + np.arange(5.0)
    assert r2_score(target, np.full(5, target.mean())).value == pytest.approx(0, abs=1e-9)
    assert r2_score(target, target).value == 1.0


@pytest.mark.parametrize("target", [[1.0, 2.0], [0.1] * 30, [1e9 / 3] * 7])
def test_few_or_constant_targets_are_undefined(target):
    found = r2_score(target, np.arange(float(len(target))))
    assert found.value is None
    assert "three cases" in found.reason


def test_resample_of_two_cases_is_undefined():
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    found = r2_score.prepare([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]).replicates(weights)
    assert np.isnan(found).tolist() == [False, True]
