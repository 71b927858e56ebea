import numpy as np
from sklearn.metrics import confusion_matrix as reference

from anlage.metrics.statistics.confusion_matrix import confusion_matrix


def test_equals_sklearn_with_a_column_for_failures(multiclass):
    target, probability = multiclass
    found = probability.argmax(axis=1).astype(float)
    assert np.array_equal(confusion_matrix(target, probability)[:, :4], reference(target, found))
    found[:5] = np.nan
    table = confusion_matrix(target, found, num_classes=5)
    assert table.shape == (5, 6)
    assert table.sum() == 120
    assert table[:, 5].tolist() == np.bincount(target[:5], minlength=5).tolist()
