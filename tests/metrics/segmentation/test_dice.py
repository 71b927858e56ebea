import numpy as np
import pytest

from anlage.metrics.segmentation.dice import dice_score


def test_equals_the_formula_in_2d_and_3d(rng):
    for shape in ((30, 20), (12, 10, 8)):
        first, second = rng.random(shape) < 0.4, rng.random(shape) < 0.5
        expected = 2 * (first & second).sum() / (first.sum() + second.sum())
        assert dice_score(first, second) == pytest.approx(expected)
        assert dice_score(second, first) == dice_score(first, second)


def test_false_alarm_on_a_healthy_case_lowers_the_mean():
    empty, alarm = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    alarm[0, 0] = True
    assert dice_score(empty, empty) == 1.0
    assert dice_score(empty, alarm) == 0.0
