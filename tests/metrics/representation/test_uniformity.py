import numpy as np
import pytest
from scipy.spatial.distance import pdist

from anlage.metrics.representation.uniformity import uniformity_error


@pytest.mark.parametrize("count", [2, 50, 1500])
def test_equals_all_pairs(rng, count):
    rows = rng.normal(size=(count, 5)) + 0.5
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = np.log(np.exp(-2 * pdist(unit, "sqeuclidean")).mean())
    assert uniformity_error(rows).value == pytest.approx(expected, rel=1e-9)


def test_spread_is_better_than_collapse(rng):
    assert uniformity_error(rng.normal(size=(512, 512))).value == pytest.approx(-3.98, abs=0.03)
    assert uniformity_error(np.ones((64, 8))).value == pytest.approx(0, abs=1e-9)
    assert uniformity_error([[1.0, 0.0], [-1.0, 0.0]]).value == pytest.approx(-8)
