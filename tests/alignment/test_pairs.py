"""Shares of negatives are exact: they agree with drawing many batches."""

import numpy as np
import pytest

from anlage.alignment.pairs import negatives_of, share_across, share_with_any, share_within

GROUPS = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5, 6])


def drawn(batch, trials=20000):
    rng = np.random.default_rng(0)
    batches = GROUPS[np.array([rng.permutation(len(GROUPS))[:batch] for _ in range(trials)])]
    same = (batches[:, :, None] == batches[:, None]).sum(axis=2) - 1
    return same.mean() / (batch - 1), (same > 0).mean()


@pytest.mark.parametrize("batch", [2, 5])
def test_expected_shares_are_those_of_simulated_batches(batch):
    within, with_any = drawn(batch)
    assert share_within(GROUPS) == pytest.approx(within, abs=0.006)
    assert share_with_any(GROUPS, batch=batch) == pytest.approx(with_any, abs=0.01)


def test_a_batch_of_all_images_meets_every_group():
    assert share_with_any(GROUPS, batch=10) == pytest.approx(0.5)  # five images have company
    assert share_with_any(GROUPS, batch=1) == 0.0


def test_one_image_has_no_negatives():
    assert share_within(np.array([3])) == 0.0


def test_labels_count_where_they_are_known():
    labels = ["a", "b", None, "a", "b"] + [None] * 5
    found = negatives_of(GROUPS, labels, list("abcacdefgh"), batch=64)
    assert found.same_label == pytest.approx(1 / 2)  # 2 of the 4 pairs across patients
    assert found.exact_copies == pytest.approx(2 / 41)  # 45 pairs, 4 of them within patients
    assert found.left_out == pytest.approx(4 / 45)
    assert found.batch == 10
    assert negatives_of(GROUPS, None, list("abcdefghij"), batch=4).same_label is None


def test_images_of_one_patient_are_no_negatives_of_each_other():
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 0, 0, 1])
    pairs = [(i, j) for i in range(10) for j in range(10) if GROUPS[i] != GROUPS[j]]
    wanted = np.mean([labels[i] == labels[j] for i, j in pairs])
    assert share_across(labels, GROUPS) == pytest.approx(wanted)
    assert share_across(labels, np.zeros(10, dtype=int)) == 0.0
    same_patient = negatives_of(np.zeros(3, dtype=int), ["a"] * 3, list("aaa"), batch=4)
    assert same_patient.same_label is None
    assert same_patient.exact_copies == 0.0
