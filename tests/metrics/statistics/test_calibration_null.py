import numpy as np
import pytest

from anlage.metrics.classification.expected_calibration_error import expected_calibration_error
from anlage.metrics.statistics.calibration_null import calibration_null


def draw(rng, count, sharpness=1.0):
    logit = rng.normal(0, 1.5, count)
    target = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(int)
    return target, 1 / (1 + np.exp(-sharpness * logit))


def test_observed_is_the_calibration_error(rng, multiclass):
    for data in (draw(rng, 200), multiclass):
        null = calibration_null(*data, seed=0, num_simulations=50)
        assert null.observed == pytest.approx(expected_calibration_error(*data).value)
        coarse = calibration_null(*data, seed=0, num_simulations=50, num_bins=3)
        assert coarse.observed == pytest.approx(expected_calibration_error(*data, num_bins=3).value)


def test_calibrated_model_is_rarely_flagged_and_an_overconfident_one_is(rng):
    flags = [
        calibration_null(*draw(rng, 300), seed=rng, num_simulations=200).is_flagged
        for _ in range(200)
    ]
    assert np.mean(flags) < 0.11  # 5 % wanted; above 0.11 with chance 1e-4
    null = calibration_null(*draw(rng, 300, sharpness=3), seed=0)
    assert null.is_flagged
    assert null.p_value < 0.01


def test_null_level_shrinks_with_more_cases_and_is_not_zero(rng):
    few, many = (calibration_null(*draw(rng, n), seed=0).mean for n in (100, 2500))
    assert 0.03 < many * 5 < 0.2
    assert few == pytest.approx(5 * many, rel=0.25)


def test_null_of_a_single_bin_is_that_of_a_share():
    data = np.array([0, 1] * 200), np.full(400, 0.5)
    null = calibration_null(*data, seed=0, num_simulations=4000)
    assert null.observed == 0.0
    assert null.mean == pytest.approx(np.sqrt(0.25 / 400) * np.sqrt(2 / np.pi), rel=0.05)
    assert null.high == pytest.approx(1.96 * np.sqrt(0.25 / 400), rel=0.1)
    assert null.p_value == 1.0


def test_seed_and_level(rng):
    data = draw(rng, 100)
    first, again = (calibration_null(*data, seed=3, num_simulations=250) for _ in range(2))
    assert first == again
    assert calibration_null(*data, seed=4, num_simulations=250) != first
    assert calibration_null(*data, seed=3, num_simulations=250, level=0.5).high < first.high


def test_failed_cases_are_flagged_not_simulated(rng):
    target, score = draw(rng, 300)
    score[:90] = np.nan
    null = calibration_null(target, score, seed=0)
    assert null.is_flagged
    assert null.observed > 0.3
    assert null.high < 0.2
