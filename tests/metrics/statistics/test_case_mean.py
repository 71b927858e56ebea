import numpy as np
import pytest

from anlage.errors import DataError, ShapeError
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.segmentation.hd95_mm import hd95_mm_error
from anlage.metrics.statistics.case_mean import case_mean


def test_is_the_mean_over_structures_of_means_over_cases():
    found = case_mean([[0.8, 0.2], [0.6, 0.4]], metric=dice_score, is_failed=[False, True])
    value = found.value()
    assert value.parts == pytest.approx((0.7, 0.3))
    assert value.value == pytest.approx(0.5)
    assert (value.num_cases, value.num_failed) == (2, 1)
    assert found.replicates(np.array([[3.0, 1.0]]))[0] == pytest.approx((0.75 + 0.25) / 2)


def test_direction_and_bounds_come_from_the_metric():
    assert case_mean([1.0], metric=hd95_mm_error).direction == "lower"
    assert case_mean([1.0], metric=dice_score).bounds == (0.0, 1.0)


def test_nan_is_never_dropped_in_silence():
    with pytest.raises(DataError, match="got 1 that are not"):
        case_mean([0.5, np.nan], metric=dice_score)
    with pytest.raises(ShapeError, match="one is_failed per case"):
        case_mean([0.5, 0.6], metric=dice_score, is_failed=[True])
    with pytest.raises(ShapeError, match="values must be"):
        case_mean([], metric=dice_score)
