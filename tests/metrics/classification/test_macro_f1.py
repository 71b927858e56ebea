import numpy as np
import pytest
from sklearn.metrics import f1_score as reference

from anlage.metrics.classification.macro_f1 import macro_f1_score


def test_equals_sklearn(multiclass, rng):
    target, probability = multiclass
    found = probability.argmax(axis=1)
    got = macro_f1_score(target, probability)
    assert got.parts == pytest.approx(reference(target, found, average=None))
    assert got.value == pytest.approx(reference(target, found, average="macro"))
    weights = rng.random((2, len(target)))
    expected = [reference(target, found, sample_weight=row, average="macro") for row in weights]
    got = macro_f1_score.prepare(target, found).replicates(weights)
    assert got == pytest.approx(expected)


def test_class_absent_from_the_targets_is_left_out_even_if_predicted():
    target, found = [0, 0, 1, 1], [0, 2, 1, 1]
    got = macro_f1_score(target, found)
    assert got.parts[2] is None
    assert got.value == pytest.approx(reference(target, found, labels=[0, 1], average="macro"))


def test_failed_case_is_a_miss_and_a_false_alarm():
    # Two classes: the same as the other class. Three: half a false alarm for each.
    assert macro_f1_score([0, 0, 1, 1], [0, 0, 1, np.nan]).value == pytest.approx(
        macro_f1_score([0, 0, 1, 1], [0, 0, 1, 0]).value
    )
    got = macro_f1_score([0, 1, 2], [np.nan, 1, 2])
    assert got.parts == pytest.approx((0.0, 2 / 2.5, 2 / 2.5))


def test_single_class_is_undefined():
    assert macro_f1_score([1, 1], [1, 0]).value is None
