import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from anlage.errors import DataError, ShapeError
from anlage.metrics.classification.auroc import auroc_score


def test_equals_sklearn(binary, multiclass, multilabel):
    assert auroc_score(*binary).value == pytest.approx(roc_auc_score(*binary), abs=1e-12)
    expected = roc_auc_score(*multiclass, multi_class="ovr", average="macro")
    assert auroc_score(*multiclass).value == pytest.approx(expected, abs=1e-12)
    expected = roc_auc_score(*multilabel, average=None)
    assert auroc_score(*multilabel).parts == pytest.approx(expected, abs=1e-12)


def test_equals_sklearn_under_fractional_weights(binary, rng):
    weights = rng.random((4, len(binary[0])))
    found = auroc_score.prepare(*binary).replicates(weights)
    expected = [roc_auc_score(*binary, sample_weight=row) for row in weights]
    assert found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30),
    st.floats(0.1, 100),
    st.floats(-50, 50),
)
def test_any_sample_with_ties_and_positive_affine_change(cases, scale, offset):
    target, score = (np.array(column) for column in zip(*cases, strict=True))
    found = auroc_score(target.astype(int), score)
    if target.all() or not target.any():
        assert found.value is None
        return
    assert found.value == pytest.approx(roc_auc_score(target, score), abs=1e-12)
    assert auroc_score(target.astype(int), score * scale + offset).value == found.value
    assert auroc_score(1 - target, -score).value == pytest.approx(found.value, abs=1e-12)


def test_logits_and_probabilities_agree_whatever_the_batch(rng):
    target, logit = rng.integers(0, 2, 512), rng.normal(size=512)
    logit[target == 1] += 1
    batches = [1 / (1 + np.exp(-part)) for part in np.split(logit, 128)]
    whole = auroc_score(target, logit).value
    assert auroc_score(target, np.concatenate(batches)).value == whole


def test_absent_class_is_left_out_and_counted(multiclass):
    target, probability = multiclass
    kept = target != 2
    found = auroc_score(target[kept], probability[kept])
    assert (found.num_defined, found.num_parts) == (3, 4)
    assert found.parts[2] is None
    others = [roc_auc_score(target[kept] == k, probability[kept][:, k]) for k in (0, 1, 3)]
    assert found.value == pytest.approx(np.mean(others), abs=1e-12)


def test_single_class_is_undefined():
    found = auroc_score([1, 1, 1], [0.2, 0.5, np.nan])
    assert found.value is None
    assert "all of one kind" in found.reason
    assert found.num_failed == 1


def test_class_lost_in_a_replicate_leaves_its_mean_to_the_others(multiclass):
    weights = np.ones((2, len(multiclass[0])))
    weights[1, multiclass[0] == 3] = 0
    statistic = auroc_score.prepare(*multiclass)
    parts = statistic.parts(weights)
    assert np.isnan(parts[1]).tolist() == [False, False, False, True]
    assert statistic.replicates(weights)[1] == pytest.approx(np.nanmean(parts[1]))


def test_failed_case_ranks_worst():
    target, score = [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]
    assert auroc_score(target, score).value == 1.0
    assert auroc_score(target, [0.1, 0.2, np.nan, 0.9]).value == 0.5
    assert auroc_score(target, [np.inf, 0.2, 0.8, 0.9]).value == 0.5
    assert auroc_score(target, [0.1, np.nan, np.nan, 0.9]).value == 0.25
    assert auroc_score(target, [0.1, None, 0.8, 0.9]).num_failed == 1


def test_two_columns_must_be_probabilities(binary):
    target, score = binary
    two = np.stack([1 - score, score], axis=1)
    assert auroc_score(target, two).value == auroc_score(target, score).value
    assert auroc_score(target, 3 * two - 1).value == auroc_score(target, score).value
    with pytest.raises(DataError, match="two score columns must be probabilities"):
        auroc_score(target, np.log(two + 1e-9))
    two[0, 0] = np.nan
    assert auroc_score(target, two).num_failed == 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="below 2, the number of classes, got 2"):
        auroc_score([0, 1, 2], [0.1, 0.2, 0.3])
    with pytest.raises(ShapeError, match=r"K >= 2, got \(3, 1\) for 3 targets"):
        auroc_score([0, 1, 0], [[0.1], [0.2], [0.3]])
    with pytest.raises(ShapeError, match="one score per label"):
        auroc_score([[0, 1], [1, 0]], [0.1, 0.2])
    with pytest.raises(DataError, match="targets must be classes"):
        auroc_score([0, 1, np.nan], [0.1, 0.2, 0.3])
    with pytest.raises(DataError, match="multilabel targets must be 0 or 1"):
        auroc_score([[0, -1], [1, 0]], np.ones((2, 2)))
    with pytest.raises(DataError, match="targets must be numbers"):
        auroc_score(["benign", "malignant"], [0.1, 0.2])
    with pytest.raises(DataError, match="outputs must be numbers"):
        auroc_score([0, 1], ["a", "b"])


def test_two_thousand_replicates_of_a_macro_mean_are_cheap(rng):
    target = rng.integers(0, 7, 2000)
    statistic = auroc_score.prepare(target, rng.random((2000, 7)))
    weights = rng.multinomial(2000, np.full(2000, 1 / 2000), size=2000).astype(float)
    started = time.process_time()
    statistic.replicates(weights)
    assert time.process_time() - started < 2.0  # 0.2 s when the machine is free
