import numpy as np
import pytest
from scipy.stats import pearsonr

from anlage.metrics.regression.pearson import pearson_score


def test_equals_scipy_far_from_the_origin_too(numbers):
    for offset in (0.0, 1e6):
        target, prediction = numbers[0] + offset, numbers[1]
        expected = pearsonr(target, prediction).statistic
        assert pearson_score(target, prediction).value == pytest.approx(expected, abs=1e-9)


def test_undefined():
    assert pearson_score([1.0, 2.0], [1.0, 2.0]).value is None
    assert pearson_score([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).value is None
    assert pearson_score([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]).value is None


def test_never_leaves_its_bounds():
    line = np.arange(7.0)
    assert pearson_score(line, 0.1 * line + 0.3).value <= 1.0
    assert pearson_score(line, -line).value == -1.0
