"""Rotation matrices: the number of angles, and the order of the planes."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from anlage.transforms._rotation import num_angles, rotation


def test_one_angle_in_2d_and_three_in_3d():
    assert [num_angles(2), num_angles(3)] == [1, 3]


def test_in_2d_the_first_axis_turns_towards_the_second():
    torch.testing.assert_close(
        rotation(torch.tensor([[90.0]]), dims=2), torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_in_3d_the_planes_are_turned_one_after_the_other_as_in_scipy(dtype):
    degrees = torch.tensor([[10.0, -25.0, 40.0], [-5.0, 80.0, 3.0]], dtype=dtype)
    seen = rotation(degrees, dims=3)
    assert seen.dtype == dtype
    # (0, 1) is about z, (0, 2) about y the other way round, (1, 2) about x
    expected = Rotation.from_euler("ZYX", degrees.numpy() * [1, -1, 1], degrees=True)
    np.testing.assert_allclose(seen, expected.as_matrix(), atol=1e-6)
