import numpy as np
import pytest
from sklearn.metrics import average_precision_score as reference

from anlage.metrics.classification.average_precision import average_precision_score


def test_equals_sklearn_with_ties_and_weights(binary, multilabel, multiclass, rng):
    assert average_precision_score(*binary).value == pytest.approx(reference(*binary), abs=1e-12)
    found = average_precision_score(*multilabel)
    assert found.parts == pytest.approx(reference(*multilabel, average=None), abs=1e-12)
    found = average_precision_score(*multiclass)
    assert found.value == pytest.approx(reference(*multiclass, average="macro"), abs=1e-12)
    weights = rng.random((3, len(binary[0])))
    expected = [reference(*binary, sample_weight=row) for row in weights]
    found = average_precision_score.prepare(*binary).replicates(weights)
    assert found == pytest.approx(expected, abs=1e-12)


def test_constant_score_is_the_prevalence():
    assert average_precision_score([1, 0, 0, 0], [0.5] * 4).value == 0.25


def test_single_kind_is_undefined_not_perfect():
    assert average_precision_score([1, 1], [0.2, 0.4]).value is None
    assert average_precision_score([0, 0], [0.2, 0.4]).value is None


def test_label_without_positives_is_left_out_and_counted(multilabel):
    target, score = multilabel
    target = target.copy()
    target[:, 0] = 0
    found = average_precision_score(target, score)
    assert (found.num_defined, found.num_parts) == (2, 3)
    assert found.value == pytest.approx(reference(target[:, 1:], score[:, 1:]))


def test_failed_positive_comes_last():
    found = average_precision_score([1, 1, 0, 0], [0.9, np.nan, 0.2, 0.1])
    assert found.value == pytest.approx((1 + 2 / 4) / 2)
