import numpy as np
import pytest
from sklearn.metrics import recall_score

from anlage.metrics.classification.sensitivity import sensitivity_score


def test_equals_sklearn_and_the_threshold_counts_as_positive(binary):
    target, score = binary
    threshold = float(np.sort(score)[30])
    expected = recall_score(target, score >= threshold)
    assert sensitivity_score(target, score, threshold=threshold).value == pytest.approx(expected)
    assert sensitivity_score([1, 1], [0.5, 0.4], threshold=0.5).value == 0.5


def test_labels_have_a_part_each(multilabel):
    target, score = multilabel
    found = sensitivity_score(target, score, threshold=0.7).parts
    assert found == pytest.approx(recall_score(target, score >= 0.7, average=None))


def test_edges():
    assert sensitivity_score([0, 0], [0.1, 0.2], threshold=0.5).value is None
    assert sensitivity_score([1, 1], [np.nan, 0.9], threshold=0.5).value == 0.5
