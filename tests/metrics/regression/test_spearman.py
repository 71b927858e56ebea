import numpy as np
import pytest
from scipy.stats import spearmanr

from anlage.metrics.regression.spearman import spearman_score


def test_equals_scipy_with_ties_and_repeats(numbers, rng):
    target, prediction = numbers[0], np.round(numbers[1], -1)
    expected = spearmanr(target, prediction).statistic
    assert spearman_score(target, prediction).value == pytest.approx(expected)
    times = rng.integers(0, 3, len(target))
    found = spearman_score.prepare(target, prediction).replicates(times[None].astype(float))
    expected = spearmanr(np.repeat(target, times), np.repeat(prediction, times)).statistic
    assert found[0] == pytest.approx(expected)


def test_only_order_counts(numbers):
    target, prediction = numbers
    assert spearman_score(target, np.exp(prediction / 10)).value == pytest.approx(
        spearman_score(target, prediction).value
    )


def test_undefined():
    assert spearman_score([1.0, 2.0], [1.0, 2.0]).value is None
    assert spearman_score([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]).value is None
