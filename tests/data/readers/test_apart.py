"""_apart: the distance of two grids is that of the voxels that lie farthest apart."""

from __future__ import annotations

import numpy as np
import pytest

from anlage.data.readers._apart import apart_mm, is_apart


@pytest.mark.parametrize("seed", range(4))
def test_no_voxel_lies_farther_apart_than_the_corners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = (4, 6, 5)
    one, other = (np.vstack([rng.normal(size=(3, 4)), [0, 0, 0, 1]]) for _ in range(2))
    voxels = np.stack(np.meshgrid(*map(np.arange, space), [1], indexing="ij")).reshape(4, -1)
    expected = np.linalg.norm((one @ voxels - other @ voxels)[:3], axis=0).max()
    np.testing.assert_allclose(apart_mm(one, other, space), expected)


def test_equal_grids_and_single_voxels() -> None:
    affine = np.diag([2.0, 3, 4, 1])
    assert apart_mm(affine, affine, (5, 6, 7)) == 0
    assert apart_mm(affine, np.eye(4), (1, 1, 1)) == 0  # they share their only voxel


def test_the_smallest_edge_counts_even_if_axes_are_oblique() -> None:
    affine = np.array([[0.6, 0, 0, 5], [0.8, 2, 0, 5], [0, 0, 3, 5], [0, 0, 0, 1]])
    assert not is_apart(0.2499, affine)
    assert is_apart(0.2501, affine)
