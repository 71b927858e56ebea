import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from anlage.errors import DataError
from anlage.metrics.representation.knn_accuracy import knn_accuracy_score


def test_equals_sklearn_with_equal_votes(rng):
    known, target = rng.integers(0, 3, 300), rng.integers(0, 3, 80)
    reference = rng.normal(size=(300, 6)) + 1.5 * np.eye(6)[known]
    queries = rng.normal(size=(80, 6)) + 1.5 * np.eye(6)[target]
    classifier = KNeighborsClassifier(11, metric="cosine").fit(reference, known)
    found = knn_accuracy_score(
        target,
        queries,
        reference_target=known,
        reference=reference,
        num_neighbours=11,
        temperature=None,
    )
    assert found.value == pytest.approx(classifier.score(queries, target))
    assert found.num_cases == 80


def test_patient_on_both_sides_is_refused(rng):
    data = {"reference_target": [0, 1], "reference": rng.normal(size=(2, 3))}
    with pytest.raises(DataError, match="got 1 that are"):
        knn_accuracy_score(
            [0, 1],
            rng.normal(size=(2, 3)),
            **data,
            groups=["a", "b"],
            reference_groups=["b", "c"],
        )
    knn_accuracy_score(
        [0, 1], rng.normal(size=(2, 3)), **data, groups=["a", "b"], reference_groups=["d", "c"]
    )
