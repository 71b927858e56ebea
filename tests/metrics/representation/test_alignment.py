import numpy as np
import pytest

from anlage.errors import ShapeError
from anlage.metrics.representation.alignment import alignment_error


def test_known_angles():
    first = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert alignment_error(first, 3 * first).value == pytest.approx(0)
    assert alignment_error(first, -first).value == pytest.approx(4)
    assert alignment_error(first, [[0.0, 5.0], [0.0, 1.0]]).value == pytest.approx(1)


def test_views_must_be_of_the_same_images(rng):
    with pytest.raises(ShapeError, match="one shape"):
        alignment_error(rng.normal(size=(4, 3)), rng.normal(size=(5, 3)))
