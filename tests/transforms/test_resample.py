"""One interpolation: against torch's own grids and scipy, on images without equal edges."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional as F

from anlage.transforms._resample import (
    displaced,
    lighten,
    sampled,
    sampled_labels,
    sampling_grid,
)

SOURCE = {2: (9, 14), 3: (7, 12, 9)}
VIEW = {2: (6, 11), 3: (5, 8, 10)}


def affine(dims, *, seed=0, zoom=0.5):
    """Return two maps that stay inside the source, (2, d, d + 1)."""
    random = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(2, dims, dims, generator=random)).Q
    shift = 0.1 * torch.randn(2, dims, 1, generator=random)
    return torch.cat((zoom / dims**0.5 * turn, shift), dim=2)


def array_index(to_source, view, source):
    """Return the source index of every view pixel, by hand, (B, d, *view)."""
    axes = [(2 * np.arange(edge) + 1) / edge - 1 for edge in view]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    maps = to_source.double().numpy()
    index = []
    for one in maps:
        spots = places @ one[:, :-1].T + one[:, -1]
        index.append(np.moveaxis(((spots + 1) * np.array(source) - 1) / 2, -1, 0))
    return np.stack(index)


@pytest.mark.parametrize("dims", [2, 3])
def test_grid_equals_torch_with_axes_reversed(dims):
    to_source = affine(dims)
    reversed_axes = torch.cat((to_source[:, :, :-1].flip(1, 2), to_source[:, :, -1:].flip(1)), 2)
    expected = F.affine_grid(reversed_axes, [2, 1, *VIEW[dims]], align_corners=False)
    torch.testing.assert_close(sampling_grid(to_source, VIEW[dims]), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_images_are_sampled_as_scipy_does(dims):
    images = torch.rand(2, 3, *SOURCE[dims])
    to_source = affine(dims, zoom=1.6)  # some places lie outside: the border is repeated
    index = array_index(to_source, VIEW[dims], SOURCE[dims])
    assert (index < -0.6).any()
    view = sampled(images, sampling_grid(to_source, VIEW[dims]))
    for place in range(2):
        for channel in range(3):
            expected = ndimage.map_coordinates(
                images[place, channel].numpy(), index[place], order=1, mode="nearest"
            )
            np.testing.assert_allclose(view[place, channel], expected, atol=2e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_labels_are_those_of_the_nearest_pixel_and_zero_outside(dims):
    labels = torch.randint(1, 9, (2, *SOURCE[dims]), generator=torch.Generator().manual_seed(0))
    to_source = affine(dims, zoom=1.6)
    index = array_index(to_source, VIEW[dims], SOURCE[dims])
    view = sampled_labels(labels, sampling_grid(to_source, VIEW[dims]))
    nearest = np.rint(index).astype(int)
    edges = np.array(SOURCE[dims]).reshape(-1, *[1] * dims)
    is_sure = (np.abs(index - np.floor(index) - 0.5) > 1e-3).all(axis=1)  # not between two pixels
    seen = {0}
    for place in range(2):
        inside = ((nearest[place] >= 0) & (nearest[place] < edges)).all(axis=0)
        clipped = tuple(np.clip(nearest[place], 0, edges - 1))
        expected = np.where(inside, labels[place].numpy()[clipped], 0)
        assert not inside.all()
        np.testing.assert_array_equal(view[place].numpy()[is_sure[place]], expected[is_sure[place]])
        seen |= set(np.unique(view[place]))
    assert seen <= set(range(9))
    assert view.dtype == labels.dtype


def test_labels_keep_a_small_type():
    labels = torch.full((1, 4, 6), 200, dtype=torch.uint8)
    view = sampled_labels(labels, sampling_grid(torch.eye(2, 3)[None], (4, 6)))
    assert view.dtype == torch.uint8
    assert torch.equal(view, labels)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_identity_map_returns_the_image(dims):
    images = torch.rand(2, 2, *SOURCE[dims])
    identity = torch.eye(dims, dims + 1).repeat(2, 1, 1)
    view = sampled(images, sampling_grid(identity, SOURCE[dims]))
    torch.testing.assert_close(view, images, atol=1e-5, rtol=0)


def test_lighter_images_are_means_of_blocks():
    images = torch.rand(2, 1, 12, 8, 10)
    light = lighten(images, (4, 4, 5), 1.0)  # by 3, 2 and 2
    expected = images.reshape(2, 1, 4, 3, 4, 2, 5, 2).mean(dim=(3, 5, 7))
    torch.testing.assert_close(light, expected)


def test_only_axes_that_shrink_to_half_are_lightened():
    images = torch.rand(1, 1, 19, 20)
    assert lighten(images, (10, 10), 1.0).shape == (1, 1, 19, 10)
    assert lighten(images, (20, 20), 1.0) is images


def test_a_view_that_keeps_less_needs_more_of_the_image():
    images = torch.rand(1, 1, 40, 40)
    assert lighten(images, (10, 10), 1.0).shape[2:] == (10, 10)
    assert lighten(images, (10, 10), 0.5).shape[2:] == (20, 20)
    assert lighten(images, (10, 10), 0.4).shape[2:] == (40, 40)


def test_an_edge_that_does_not_divide_keeps_its_extent():
    ramp = torch.linspace(-1, 1, 2 * 25 + 1)[1::2].expand(1, 1, 1, 25)  # centres of 25 pixels
    light = lighten(ramp, (1, 12), 1.0)[0, 0, 0]
    assert len(light) == 12
    torch.testing.assert_close(light.mean(), torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(light, (2 * torch.arange(12) + 1) / 12 - 1, atol=0.05, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_grid_is_displaced_as_scipy_reads_the_displacement(dims):
    random = torch.Generator().manual_seed(0)
    moves = torch.rand(2, dims, *SOURCE[dims], generator=random) - 0.5
    to_source = affine(dims, zoom=1.6)  # some places lie outside: the border is repeated
    grid = sampling_grid(to_source, VIEW[dims])
    index = array_index(to_source, VIEW[dims], SOURCE[dims])
    seen = (displaced(grid, moves) - grid).flip(-1).movedim(-1, 1)
    for place in range(2):
        for axis in range(dims):
            expected = ndimage.map_coordinates(
                moves[place, axis].numpy(), index[place], order=1, mode="nearest"
            )
            np.testing.assert_allclose(seen[place, axis], expected, atol=2e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_displacement_moves_along_its_own_axis_by_half_edges(axis):
    grid = sampling_grid(torch.eye(3, 4)[None], SOURCE[3])
    moves = torch.zeros(1, 3, 2, 2, 2)
    moves[:, axis] = 4 / SOURCE[3][axis]  # two pixels
    images = torch.rand(1, 1, *SOURCE[3])
    seen = sampled(images, displaced(grid, moves)).movedim(axis + 2, -1)
    expected = images.movedim(axis + 2, -1)[..., 2:]
    torch.testing.assert_close(seen[..., :-2], expected, atol=1e-5, rtol=0)
