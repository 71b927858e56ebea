import pytest
from sklearn.metrics import root_mean_squared_error as reference

from anlage.metrics.regression.root_mean_squared_error import root_mean_squared_error


def test_equals_sklearn(numbers, rng):
    weights = rng.random((2, len(numbers[0])))
    assert root_mean_squared_error(*numbers).value == pytest.approx(reference(*numbers))
    expected = [reference(*numbers, sample_weight=row) for row in weights]
    assert root_mean_squared_error.prepare(*numbers).replicates(weights) == pytest.approx(expected)
