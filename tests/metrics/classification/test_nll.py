import numpy as np
import pytest
from sklearn.metrics import log_loss

from anlage.metrics.classification.nll import nll_error


def test_equals_sklearn(binary, multiclass, rng):
    assert nll_error(*binary).value == pytest.approx(log_loss(*binary))
    assert nll_error(*multiclass).value == pytest.approx(log_loss(*multiclass))
    weights = rng.random((2, len(binary[0])))
    expected = [log_loss(*binary, sample_weight=row) for row in weights]
    assert nll_error.prepare(*binary).replicates(weights) == pytest.approx(expected)


def test_certain_miss_and_failed_case_cost_the_same_finite_amount():
    worst = -np.log(np.finfo(float).eps)
    assert nll_error([1, 0], [0.0, 0.0]).value == pytest.approx(worst / 2)
    assert nll_error([1, 0], [np.nan, 0.0]).value == pytest.approx(worst / 2)
    assert nll_error([1], [np.nan]).value == pytest.approx(nll_error.worst)
