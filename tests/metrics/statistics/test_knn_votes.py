import numpy as np
import pytest

from anlage.errors import ConfigError, DataError, ShapeError
from anlage.metrics.statistics.knn_votes import knn_votes

KNOWN = {"reference_target": [0, 0, 1], "reference": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]}


def test_votes_are_weighted_by_closeness():
    plain = knn_votes([[2.0, 2.0]], **KNOWN, num_classes=3, num_neighbours=3, temperature=None)
    assert plain == pytest.approx(np.array([[2 / 3, 1 / 3, 0]]))
    cosine = np.array([1 / np.sqrt(2), 1 / np.sqrt(2) / np.sqrt(0.82), 1 / np.sqrt(2)])
    weight = np.exp(cosine / 0.07)
    expected = [[weight[:2].sum() / weight.sum(), weight[2] / weight.sum(), 0]]
    assert knn_votes([[2.0, 2.0]], **KNOWN, num_classes=3) == pytest.approx(np.array(expected))


def test_only_the_nearest_vote():
    found = knn_votes([[0.1, 1.0], [1.0, 0.0]], **KNOWN, num_classes=2, num_neighbours=1)
    assert found.tolist() == [[0, 1], [1, 0]]


def test_chunks_change_nothing(rng):
    data = {"reference": rng.normal(size=(50, 4)), "reference_target": rng.integers(0, 2, 50)}
    queries = rng.normal(size=(1100, 4))
    whole = knn_votes(queries, **data, num_classes=2)
    assert knn_votes(queries[1000:], **data, num_classes=2) == pytest.approx(whole[1000:])
    assert whole.sum(axis=1) == pytest.approx(1)


def test_broken_query_fails_and_broken_reference_is_refused():
    found = knn_votes([[np.nan, 1.0], [1.0, 0.0]], **KNOWN, num_classes=2)
    assert np.isnan(found).all(axis=1).tolist() == [True, False]
    with pytest.raises(DataError, match="reference embeddings must be finite"):
        knn_votes([[1.0]], reference=[[np.nan]], reference_target=[0], num_classes=2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="Embed both with one encoder"):
        knn_votes([[1.0, 2.0, 3.0]], **KNOWN, num_classes=2)
    with pytest.raises(DataError, match=r"0\.\.0, got 0\.\.1"):
        knn_votes([[1.0, 2.0]], **KNOWN, num_classes=1)
    with pytest.raises(ConfigError, match=r"got 0 and 0\.07"):
        knn_votes([[1.0, 2.0]], **KNOWN, num_classes=2, num_neighbours=0)
    with pytest.raises(ConfigError, match="got 20 and 0"):
        knn_votes([[1.0, 2.0]], **KNOWN, num_classes=2, temperature=0)
