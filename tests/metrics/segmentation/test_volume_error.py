import numpy as np
import pytest

from anlage.metrics.segmentation.volume_error import volume_error


def test_is_the_difference_over_the_mean():
    target, found = np.zeros((2, 10, 10), bool)
    target[:4], found[5:8] = True, True
    assert volume_error(target, found) == pytest.approx(10 / 35)
    assert volume_error(found, target) == volume_error(target, found)


def test_false_alarm_on_a_healthy_case_is_the_greatest_error():
    empty, alarm = np.zeros((6, 6, 6), bool), np.zeros((6, 6, 6), bool)
    alarm[0, 0, 0] = True
    assert volume_error(empty, alarm) == 2.0
    assert volume_error(empty, empty) == 0.0
