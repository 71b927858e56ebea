import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef as reference

from anlage.metrics.classification.mcc import mcc_score


def test_equals_sklearn(multiclass, binary, rng):
    target, probability = multiclass
    found = probability.argmax(axis=1)
    assert mcc_score(target, probability).value == pytest.approx(reference(target, found))
    calls = (binary[1] > 0.5).astype(int)
    assert mcc_score(binary[0], calls).value == pytest.approx(reference(binary[0], calls))
    weights = rng.random((2, len(target)))
    expected = [reference(target, found, sample_weight=row) for row in weights]
    assert mcc_score.prepare(target, found).replicates(weights) == pytest.approx(expected)


def test_extremes():
    target = [0, 1, 0, 1]
    assert mcc_score(target, target).value == 1.0
    assert mcc_score(target, [1, 0, 1, 0]).value == -1.0
    assert mcc_score(target, [1, 1, 1, 1]).value == 0.0
    assert mcc_score(target, [np.nan] * 4).value == -1.0
    assert mcc_score([1, 1], [0, 1]).value is None
