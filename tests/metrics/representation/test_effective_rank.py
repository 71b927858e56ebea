import numpy as np
import pytest

from anlage.metrics.representation.effective_rank import effective_rank_score


def test_known_ranks(rng):
    assert effective_rank_score(np.eye(12)).value == pytest.approx(12)
    basis = np.linalg.qr(rng.normal(size=(64, 8)))[0]
    factors = np.linalg.qr(rng.normal(size=(300, 8)))[0]
    assert effective_rank_score(factors @ basis.T).value == pytest.approx(8)
    singular = np.array([4.0, 2.0, 1.0, 1.0])
    shares = singular / 8
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert effective_rank_score(factors[:, :4] * singular).value == pytest.approx(expected)


def test_collapse_is_seen_although_noise_has_full_rank(rng):
    collapsed = np.ones(128) + 1e-4 * rng.normal(size=(256, 128))
    assert effective_rank_score(collapsed).value < 1.3
    assert effective_rank_score(collapsed - collapsed.mean(axis=0)).value > 100
    assert effective_rank_score(rng.normal(size=(256, 128))).value > 100


def test_scale_plays_no_part_and_zero_is_undefined(rng):
    rows = rng.normal(size=(30, 5))
    assert effective_rank_score(1e3 * rows).value == pytest.approx(effective_rank_score(rows).value)
    found = effective_rank_score(np.zeros((4, 3)))
    assert (found.value, found.reason) == (None, "All embeddings are zero.")
    assert found.num_cases == 4
