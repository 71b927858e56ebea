import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error as reference

from anlage.errors import DataError, ShapeError
from anlage.metrics.regression.mean_absolute_error import mean_absolute_error


def test_equals_sklearn(numbers, rng):
    weights = rng.random((2, len(numbers[0])))
    assert mean_absolute_error(*numbers).value == pytest.approx(reference(*numbers))
    expected = [reference(*numbers, sample_weight=row) for row in weights]
    assert mean_absolute_error.prepare(*numbers).replicates(weights) == pytest.approx(expected)


def test_failed_case_predicts_the_far_end_of_the_targets():
    found = mean_absolute_error([0.0, 2.0, 10.0], [0.0, np.nan, 10.0])
    assert (found.value, found.num_failed) == (pytest.approx(8 / 3), 1)
    assert mean_absolute_error([0.0, 7.0, 10.0], [0.0, np.inf, 10.0]).value == pytest.approx(7 / 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"two vectors of one length above 0, got shapes \(2,\)"):
        mean_absolute_error([1, 2], [1])
    with pytest.raises(DataError, match="got 1 that are not"):
        mean_absolute_error([1, np.nan], [1, 2])
