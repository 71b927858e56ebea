import numpy as np
import pytest

from anlage.errors import ConfigError
from anlage.metrics.classification.expected_calibration_error import expected_calibration_error


def by_hand(confidence, is_true, num_bins):
    order = np.argsort(confidence)
    parts = np.array_split(order, num_bins)
    return sum(abs(confidence[p].mean() - is_true[p].mean()) * len(p) for p in parts) / len(order)


@pytest.mark.parametrize("num_bins", [1, 5, 15])
def test_equals_the_sum_over_sorted_bins(rng, num_bins):
    target, score = rng.integers(0, 2, 150), rng.random(150)
    found = expected_calibration_error(target, score, num_bins=num_bins).value
    assert found == pytest.approx(by_hand(score, target, num_bins))
    probability = rng.dirichlet(np.ones(3), 150)
    target = rng.integers(0, 3, 150)
    is_right = probability.argmax(axis=1) == target
    found = expected_calibration_error(target, probability, num_bins=num_bins).value
    assert found == pytest.approx(by_hand(probability.max(axis=1), is_right, num_bins))


def test_equal_confidences_share_a_bin_whatever_their_order():
    target, score = np.array([1] * 50 + [0] * 50), np.full(100, 0.5)
    assert expected_calibration_error(target, score).value == 0.0
    assert expected_calibration_error(target[::-1], score).value == 0.0


def test_weights_equal_repeats_within_fixed_bins(rng):
    target, score = rng.integers(0, 2, 60), rng.random(60)
    once = expected_calibration_error.prepare(target, score).replicates(np.full((1, 60), 3.0))
    assert once[0] == pytest.approx(expected_calibration_error(target, score).value)


def test_failed_cases_cannot_make_up_for_low_confidence():
    target, score = np.ones(20, int), np.full(20, 0.6)
    target[0] = 0
    before = expected_calibration_error(target, score).value
    score[:4] = np.nan
    after = expected_calibration_error(target, score)
    assert before == pytest.approx(0.35)
    assert after.value == pytest.approx((16 * 0.4 + 4 * 1.0) / 20)
    assert expected_calibration_error([0, 1], [np.nan, np.nan]).value == 1.0


def test_no_bin_is_refused():
    with pytest.raises(ConfigError, match="num_bins must be 1 or more, got 0"):
        expected_calibration_error([0, 1], [0.1, 0.9], num_bins=0)
