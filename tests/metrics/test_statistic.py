import numpy as np
import pytest

from anlage.errors import DataError, ShapeError
from anlage.metrics import Statistic, metric
from anlage.metrics._ratios import weighted_mean


def statistic(values, **extra):
    table = np.array(values, dtype=float)
    return Statistic(
        evaluate=weighted_mean(table), num_cases=len(table), num_failed=0, undefined="why", **extra
    )


def test_value_is_the_mean_over_defined_parts():
    parts = np.array([[1.0], [np.nan], [3.0]])
    made = Statistic(
        evaluate=lambda weights: np.repeat(parts, weights.shape[1], axis=1),
        num_cases=2,
        num_failed=1,
        undefined="why",
    ).value()
    assert made.value == 2.0
    assert made.parts == (1.0, None, 3.0)
    assert (made.num_defined, made.num_parts, made.num_failed) == (2, 3, 1)
    assert made.reason == ""


def test_undefined_value_is_none_with_a_reason():
    made = statistic([1.0, 2.0]).value(np.zeros(2))
    assert made.value is None
    assert made.reason == "why"
    assert made.num_defined == 0


def test_weights_move_the_value():
    assert statistic([1.0, 5.0]).value(np.array([3.0, 1.0])).value == 2.0
    assert statistic([[1.0, 0.0], [5.0, 4.0]]).value().parts == (3.0, 2.0)


def test_replicates_do_not_depend_on_chunks():
    many = statistic(np.arange(3000.0))
    weights = np.random.default_rng(0).random((200, 3000))  # three chunks
    expected = weights @ np.arange(3000.0) / weights.sum(axis=1)
    assert many.replicates(weights) == pytest.approx(expected, rel=1e-12)


def test_weights_are_checked():
    with pytest.raises(ShapeError, match=r"shape \(R, 2\), one weight per case, got \(1, 3\)"):
        statistic([1.0, 2.0]).replicates(np.ones((1, 3)))
    with pytest.raises(DataError, match="zero or above"):
        statistic([1.0, 2.0]).replicates(np.array([[1.0, -1.0]]))
    with pytest.raises(DataError, match="zero or above"):
        statistic([1.0, 2.0]).replicates(np.array([[1.0, np.nan]]))


def test_metric_hands_its_declaration_to_the_statistic():
    @metric(label="x", tasks=("binary",), direction="lower", bounds=(0.0, 9.0), failure="bad")
    def x_error(target):
        """Say x."""
        return statistic(target)

    assert x_error.__doc__ == "Say x."
    assert x_error([2.0, 4.0]).value == 3.0
    assert x_error.prepare([1.0]).direction == "lower"
    assert x_error.prepare([1.0]).bounds == (0.0, 9.0)
    assert x_error.worst == 9.0
