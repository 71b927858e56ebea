import numpy as np
import pytest

from anlage.metrics.representation.feature_std import feature_std_score


def test_healthy_collapsed_and_rank_eight(rng):
    assert feature_std_score(rng.normal(size=(2000, 64))).value == pytest.approx(1, abs=0.01)
    assert feature_std_score(np.ones((50, 64)) * 3).value == pytest.approx(0, abs=1e-12)
    low_rank = rng.normal(size=(2000, 8)) @ rng.normal(size=(8, 64))
    assert feature_std_score(low_rank).value > 0.9


def test_length_of_embeddings_plays_no_part(rng):
    rows = rng.normal(size=(40, 6))
    stretched = rows * rng.uniform(1, 9, (40, 1))
    assert feature_std_score(stretched).value == pytest.approx(feature_std_score(rows).value)
