import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from anlage.errors import DataError
from anlage.metrics.classification.brier import brier_error


def test_equals_sklearn(binary, multiclass, rng):
    assert brier_error(*binary).value == pytest.approx(brier_score_loss(*binary))
    expected = brier_score_loss(*multiclass, scale_by_half=False)
    assert brier_error(*multiclass).value == pytest.approx(expected)
    weights = rng.random((2, len(binary[0])))
    expected = [brier_score_loss(*binary, sample_weight=row) for row in weights]
    assert brier_error.prepare(*binary).replicates(weights) == pytest.approx(expected)


def test_one_column_and_two_are_the_same(binary):
    target, score = binary
    two = np.stack([1 - score, score], axis=1)
    assert brier_error(target, two).value == pytest.approx(brier_error(target, score).value)


def test_failed_case_is_certain_of_a_wrong_class():
    assert brier_error([1, 0], [1.0, np.nan]).value == 0.5
    assert brier_error([2], [[np.nan, 0.0, 1.0]]).value == 2.0


def test_only_probabilities_are_taken(multiclass):
    with pytest.raises(DataError, match=r"from -1 to 2 and 0 cases"):
        brier_error([0, 1], [-1.0, 2.0])
    with pytest.raises(DataError, match="120 cases with another sum"):
        brier_error(multiclass[0], multiclass[1] / 2)
