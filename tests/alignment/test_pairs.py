"""Shares of negatives are exact: they agree with drawing many batches."""

import numpy as np
import pytest

from anlage.alignment.pairs import negatives_of, share_with_any, share_within

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
    found = negatives_of(GROUPS, ["a", "a", None, "b"] + [None] * 6, list("aabcdefghi"), batch=64)
    assert found.same_label == pytest.approx(1 / 3)  # one of three pairs
    assert found.exact_copies == pytest.approx(2 / 90)
    assert found.batch == 10
    assert negatives_of(GROUPS, None, list("abcdefghij"), batch=4).same_label is None
