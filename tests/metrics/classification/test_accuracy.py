import numpy as np
import pytest
from sklearn.metrics import accuracy_score as reference

from anlage.errors import DataError, ShapeError
from anlage.metrics.classification.accuracy import accuracy_score


def test_equals_sklearn(multiclass, rng):
    target, probability = multiclass
    found = probability.argmax(axis=1)
    weights = rng.random((2, len(target)))
    assert accuracy_score(target, found).value == pytest.approx(reference(target, found))
    expected = [reference(target, found, sample_weight=row) for row in weights]
    assert accuracy_score.prepare(target, found).replicates(weights) == pytest.approx(expected)


def test_scores_are_read_as_their_highest_class(multiclass):
    target, probability = multiclass
    assert accuracy_score(target, probability) == accuracy_score(target, probability.argmax(axis=1))


def test_failed_case_is_wrong():
    found = accuracy_score([0, 0, 1, 1], [0, np.nan, 1, 1])
    assert (found.value, found.num_failed) == (0.75, 1)
    assert accuracy_score([0, 1], [[np.nan, 0.0], [0.0, 1.0]]).value == 0.5


def test_a_score_is_not_a_class():
    with pytest.raises(DataError, match="Apply a threshold"):
        accuracy_score([0, 1], [0.3, 0.7])
    with pytest.raises(DataError, match="Apply a threshold"):
        accuracy_score([0, 1], [-1, 1])
    with pytest.raises(ShapeError, match="below 2"):
        accuracy_score([0, 1], [0, 2], num_classes=2)
    with pytest.raises(ShapeError, match="one class per case"):
        accuracy_score([[0, 1]], [[0, 1]])
