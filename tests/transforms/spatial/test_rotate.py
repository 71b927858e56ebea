import numpy as np
import pytest
import torch
from monai.transforms import Affine
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torchvision.transforms.v2.functional import InterpolationMode
from torchvision.transforms.v2.functional import rotate as torchvision_rotate

from anlage.errors import ConfigError
from anlage.transforms._resample import sampled, sampling_grid
from anlage.transforms.spatial.rotate import Rotate

ANGLES = {2: torch.tensor([[0.0], [17.0], [-120.0]]),
          3: torch.tensor([[0.0, 0, 0], [10, 20, 30], [-40, 5, 95]])}  # fmt: skip


def turned(images, matrix):
    to_source = torch.cat((matrix, torch.zeros(*matrix.shape[:2], 1)), dim=2)
    return sampled(images, sampling_grid(to_source, images.shape[2:]))


def test_in_3d_the_matrix_is_that_of_scipy_turns_about_z_y_and_x():
    matrix = Rotate().matrix({"degrees": ANGLES[3]}, dims=3)
    signs = np.array([1, -1, 1])  # the plane of X and Z turns the other way round Y
    expected = Rotation.from_euler("ZYX", ANGLES[3].numpy() * signs, degrees=True).as_matrix()
    np.testing.assert_allclose(matrix, expected, atol=1e-6)


def test_in_2d_images_turn_as_in_torchvision():
    images = torch.rand(3, 1, 21, 21)
    seen = turned(images, Rotate().matrix({"degrees": ANGLES[2]}, dims=2))
    for place, degrees in enumerate(ANGLES[2][:, 0].tolist()):  # it counts the other way round
        expected = torchvision_rotate(
            images[place], -degrees, interpolation=InterpolationMode.BILINEAR
        )
        inner = (slice(None), slice(5, -5), slice(5, -5))  # where no corner is looked beyond
        torch.testing.assert_close(seen[place][inner], expected[inner], atol=1e-4, rtol=0)


def test_in_3d_images_turn_as_in_scipy_and_monai():
    images = torch.rand(3, 1, 11, 11, 11)
    matrix = Rotate().matrix({"degrees": ANGLES[3]}, dims=3)
    seen = turned(images, matrix)
    for place in range(3):
        one = matrix[place].double().numpy()
        centre = np.full(3, 5.0)
        by_scipy = ndimage.affine_transform(
            images[place, 0].numpy(), one, offset=centre - one @ centre, order=1, mode="nearest"
        )
        np.testing.assert_allclose(seen[place, 0], by_scipy, atol=1e-4)
        whole = np.eye(4)
        whole[:3, :3] = one
        by_monai = Affine(affine=whole, padding_mode="border", image_only=True)(images[place])
        np.testing.assert_allclose(seen[place], by_monai, atol=1e-4)


@pytest.mark.parametrize("dims", [2, 3])
def test_no_angle_is_the_identity_and_others_keep_lengths(dims):
    matrix = Rotate().matrix({"degrees": ANGLES[dims]}, dims=dims)
    assert torch.equal(matrix[0], torch.eye(dims))
    torch.testing.assert_close(
        matrix.mT @ matrix, torch.eye(dims).expand(3, dims, dims), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(3))


@pytest.mark.parametrize("dims", [2, 3])
def test_angles_reach_their_limit_either_way(draws, dims):
    degrees = Rotate(Rotate.Config(degrees=25)).draw(draws(2000), dims=dims)["degrees"]
    assert degrees.shape == (2000, 1 if dims == 2 else 3)
    assert -25 <= degrees.min() < -24.5
    assert 24.5 < degrees.max() <= 25
    assert degrees.mean(dim=0).abs().max() < 2


def test_every_angle_of_3d_has_a_plane_of_its_own():
    alone = torch.eye(3) * 30
    matrix = Rotate().matrix({"degrees": alone}, dims=3)
    kept = [[axis for axis in range(3) if one[axis, axis] == 1] for one in matrix]
    assert kept == [[2], [1], [0]]


def test_a_limit_of_zero_leaves_images_where_they_are(draws):
    transform = Rotate(Rotate.Config(degrees=0))
    matrix = transform.matrix(transform.draw(draws(3), dims=2), dims=2)
    assert torch.equal(matrix, torch.eye(2).repeat(3, 1, 1))


@pytest.mark.parametrize("degrees", [-1, 181, float("nan")])
def test_an_angle_out_of_range_is_refused(degrees):
    with pytest.raises(ConfigError, match="degrees: Input should be"):
        Rotate.Config.parse({"degrees": degrees}, where="view rotate")
