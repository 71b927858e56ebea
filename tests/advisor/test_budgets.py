"""Gains that never rise with labels, and keep what was measured where it does not clash."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from anlage.advisor.budgets import never_rising, pooled


@pytest.mark.parametrize("seed", range(4))
def test_pooled_values_are_the_falling_regression(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=9), rng.uniform(0.1, 5, size=9)
    reference = IsotonicRegression(increasing=False).fit_transform(
        np.arange(9), values, sample_weight=weights
    )
    assert pooled(values, weights) == pytest.approx(reference)


def test_falling_values_are_left_alone():
    assert pooled(np.array([3.0, 1.0, 1.0]), np.ones(3)).tolist() == [3.0, 1.0, 1.0]


def at(place, value):
    return never_rising([1.0, 2.0], np.array([5.0, 3.0]), np.ones(2), at=place, value=value)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (0.0, 4.0, 5.0),  # a gain with more labels holds with fewer
        (0.0, 9.0, 9.0),
        (1.0, 0.0, 5.0),  # what is known is known
        (1.5, 9.0, 5.0),
        (1.5, 4.0, 4.0),
        (1.5, 0.0, 3.0),
        (3.0, 4.0, 3.0),  # what is lost with fewer labels is not won with more
        (3.0, -2.0, -2.0),
    ],
)
def test_a_value_lies_between_its_neighbours(place, value, expected):
    assert at(place, value) == expected


def test_known_values_that_rise_are_pooled_by_how_sure_they_are():
    found = never_rising([1.0, 2.0], np.array([0.0, 8.0]), np.array([3.0, 1.0]), at=1.0, value=0.0)
    assert found == pytest.approx(2.0)
