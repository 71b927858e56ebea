import numpy as np
import pytest

from anlage.metrics.classification.brier import brier_error
from anlage.metrics.classification.brier_skill import brier_skill_score


def test_is_one_minus_error_over_that_of_the_shares(binary, multiclass):
    for target, probability in (binary, multiclass):
        shares = np.bincount(target) / len(target)
        constant = np.tile(shares, (len(target), 1))
        expected = 1 - brier_error(target, probability).value / brier_error(target, constant).value
        assert brier_skill_score(target, probability).value == pytest.approx(expected)
        assert brier_skill_score(target, constant).value == pytest.approx(0, abs=1e-12)


def test_extremes():
    assert brier_skill_score([0, 1], [0.0, 1.0]).value == 1.0
    assert brier_skill_score([0, 1], [1.0, 0.0]).value == -3.0
    assert brier_skill_score([1, 1], [0.5, 0.5]).value is None
