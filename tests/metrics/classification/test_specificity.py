import numpy as np
import pytest
from sklearn.metrics import recall_score

from anlage.metrics.classification.specificity import specificity_score


def test_equals_sklearn_recall_of_class_0(binary):
    target, score = binary
    threshold = float(np.sort(score)[30])
    expected = recall_score(target, score >= threshold, pos_label=0)
    assert specificity_score(target, score, threshold=threshold).value == pytest.approx(expected)
    assert specificity_score([0, 0], [0.5, 0.4], threshold=0.5).value == 0.5


def test_edges():
    assert specificity_score([1, 1], [0.1, 0.2], threshold=0.5).value is None
    assert specificity_score([0, 0], [np.nan, 0.1], threshold=0.5).value == 0.5
    assert specificity_score([0, 0], [np.nan, 0.1], threshold=np.inf).value == 0.5
