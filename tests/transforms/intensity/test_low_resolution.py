"""Thicker slices: against scikit-image, scipy and torch, and what TorchIO does otherwise."""

import numpy as np
import pytest
import torch
import torchio
from scipy import ndimage
from skimage.transform import downscale_local_mean
from torch.nn import functional as F

from anlage.errors import ConfigError
from anlage.transforms.intensity.low_resolution import LowResolution

SPACE = {2: (12, 20), 3: (12, 18, 8)}


def lowered(images, *factors):
    return LowResolution().apply(images, {"factor": torch.tensor([factors]).repeat(len(images), 1)})


def enlarged(coarse, factors):
    """Interpolate linearly between middles of pixels, by scipy."""
    return ndimage.zoom(coarse, factors, order=1, mode="nearest", grid_mode=True)


@pytest.mark.parametrize("factors", [(2.0, 1.0), (1.0, 4.0), (3.0, 5.0)])
def test_whole_factors_equal_scikit_image_and_scipy_in_2d(factors):
    images = torch.rand(2, 3, *SPACE[2])
    seen = lowered(images, *factors)
    whole = tuple(int(factor) for factor in factors)
    for place, channel in np.ndindex(2, 3):
        coarse = downscale_local_mean(images[place, channel].double().numpy(), whole)
        np.testing.assert_allclose(seen[place, channel], enlarged(coarse, whole), atol=1e-5)


@pytest.mark.parametrize("factors", [(1, 3, 1), (4, 1, 1), (1, 1, 2), (2, 2, 2)])
def test_whole_factors_equal_pooling_and_interpolation_in_3d(factors):
    images = torch.rand(2, 1, *SPACE[3])
    coarse = F.avg_pool3d(images, factors)
    expected = F.interpolate(coarse, size=SPACE[3], mode="trilinear")
    seen = lowered(images, *(float(factor) for factor in factors))
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [1.4, 2.6, 3.1, 50.0])
def test_other_factors_share_pixels_between_neighbours(factor):
    edge = 12
    row = np.random.default_rng(0).random(edge)
    count = max(1, round(edge / factor))
    fine = np.repeat(row, count)  # every pixel in as many parts as there are coarse pixels
    coarse = fine.reshape(count, edge).mean(axis=1)
    place = (np.arange(edge) + 0.5) * count / edge - 0.5
    expected = np.interp(place, np.arange(count), coarse)
    images = torch.from_numpy(row).reshape(1, 1, 1, edge)
    seen = lowered(images, 1.0, factor)
    np.testing.assert_allclose(seen[0, 0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_factor_one_is_the_identity_and_a_constant_image_stays(draws, dims):
    images = torch.rand(3, 2, *SPACE[dims])
    transform = LowResolution(LowResolution.Config(factor=1))
    params = transform.draw(draws(3), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images)
    flat = torch.full_like(images, 0.4)
    torch.testing.assert_close(lowered(flat, *[3.3] * dims), flat)


@pytest.mark.parametrize("dims", [2, 3])
def test_one_axis_is_drawn_or_all_are_taken(draws, dims):
    shape = torch.Size((60, 1, *SPACE[dims]))
    one = LowResolution().draw(draws(60), shape=shape)["factor"]
    every = LowResolution(LowResolution.Config(axes="all")).draw(draws(60), shape=shape)["factor"]
    assert one.shape == every.shape == (60, dims)
    assert ((one > 1).sum(dim=1) == 1).all()
    assert (one > 1).any(dim=0).all()
    assert torch.equal(every, every[:, :1].expand(-1, dims))
    torch.testing.assert_close(one.amax(dim=1), every[:, 0])
    assert 1 < every.min() < 1.2 < 3.5 < every.max() < 4
    larger = LowResolution(LowResolution.Config(factor=16, axes="all"))
    torch.testing.assert_close(larger.draw(draws(60), shape=shape)["factor"], every**2)


def test_each_image_has_its_own_factors():
    images = torch.rand(3, 1, *SPACE[2])
    factors = torch.tensor([[1.0, 2.0], [3.0, 1.0], [1.0, 1.0]])
    together = LowResolution().apply(images, {"factor": factors})
    for place in range(3):
        alone = lowered(images[place : place + 1], *factors[place].tolist())
        torch.testing.assert_close(together[place], alone[0])


def test_a_thin_sheet_becomes_faint_where_torchio_may_lose_it():
    sheet = torch.zeros(1, 12, 12, 12)
    sheet[..., 6] = 1
    thick = torchio.RandomAnisotropy(axes=(2,), downsampling=(3, 3))
    subject = torchio.Subject(image=torchio.ScalarImage(tensor=sheet))
    theirs = thick(subject).image.data
    ours = lowered(sheet[None], 1.0, 1.0, 3.0)[0]
    assert theirs.sum() == 0
    torch.testing.assert_close(ours.amax(), torch.tensor(1 / 3))
    torch.testing.assert_close(ours.sum(), sheet.sum())


def test_half_types_are_kept(keeps_types):
    keeps_types(LowResolution())


@pytest.mark.parametrize("change", [{"factor": 0.9}, {"factor": 17}, {"axes": "two"}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        LowResolution.Config.parse(change, where="view")
