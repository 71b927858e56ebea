import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score as reference

from anlage.metrics.classification.balanced_accuracy import balanced_accuracy_score


def test_equals_sklearn(multiclass, rng):
    target, probability = multiclass
    found = probability.argmax(axis=1)
    expected = reference(target, found)
    assert balanced_accuracy_score(target, probability).value == pytest.approx(expected)
    weights = rng.random((2, len(target)))
    expected = [reference(target, found, sample_weight=row) for row in weights]
    got = balanced_accuracy_score.prepare(target, found).replicates(weights)
    assert got == pytest.approx(expected)


def test_guessing_the_common_class_scores_one_half():
    assert balanced_accuracy_score([0] * 99 + [1], [0] * 100).value == 0.5


def test_absent_class_is_left_out_and_counted():
    found = balanced_accuracy_score([0, 0, 2, 2], [0, 1, 2, 2], num_classes=4)
    assert found.parts == (0.5, None, 1.0, None)
    assert found.value == 0.75


def test_single_class_is_undefined():
    assert balanced_accuracy_score([1, 1], [1, 0]).value is None


def test_failed_case_costs_its_own_class():
    assert balanced_accuracy_score([0, 0, 1, 1], [0, 0, 1, np.nan]).parts == (1.0, 0.5)
