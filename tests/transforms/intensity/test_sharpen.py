"""Unsharp masking: against scikit-image away from borders, and scipy up to them."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.filters import unsharp_mask

from anlage.errors import ConfigError
from anlage.transforms.intensity.sharpen import Sharpen


def sharpened(images, amount, sigma):
    count = len(images)
    params = {"amount": torch.full((count,), amount), "sigma": torch.full((count,), sigma)}
    return Sharpen().apply(images, params)


@pytest.mark.parametrize("amount", [0.5, 3.0])
@pytest.mark.parametrize("space", [(24, 30), (20, 18, 22)])
def test_away_from_borders_it_equals_scikit_image(space, amount):
    images = torch.rand(1, 2, *space)
    seen = sharpened(images, amount, 1.1)
    inner = tuple(slice(5, -5) for _ in space)
    for channel in range(2):
        expected = unsharp_mask(
            images[0, channel].double().numpy(), radius=1.1, amount=amount, preserve_range=True
        )
        np.testing.assert_allclose(seen[0, channel].numpy()[inner], expected[inner], atol=1e-5)


def test_at_borders_the_gaussian_is_renormalised():
    images = torch.rand(1, 1, 9, 13)
    options = {"sigma": 1.1, "mode": "constant", "truncate": 4.0}
    smooth = ndimage.gaussian_filter(images[0, 0].double().numpy(), **options)
    smooth = smooth / ndimage.gaussian_filter(np.ones((9, 13)), **options)
    expected = 3 * images[0, 0].double().numpy() - 2 * smooth
    np.testing.assert_allclose(sharpened(images, 2.0, 1.1)[0, 0], expected, atol=1e-4)


@pytest.mark.parametrize("space", [(9, 13), (6, 7, 8)])
def test_an_amount_or_width_of_zero_is_the_identity_and_a_constant_image_stays(space):
    images = torch.rand(2, 2, *space)
    torch.testing.assert_close(sharpened(images, 0.0, 1.0), images)
    torch.testing.assert_close(sharpened(images, 5.0, 0.0), images)
    flat = torch.full_like(images, 0.5)
    torch.testing.assert_close(sharpened(flat, 5.0, 1.0), flat, atol=1e-5, rtol=0)


def test_it_sharpens_edges_and_noise():
    images = torch.rand(1, 1, 30, 30) * 0.2 + 0.4
    assert sharpened(images, 1.0, 1.0).std() > 1.5 * images.std()


def test_settings_bound_what_is_drawn_and_each_image_has_its_own(draws):
    config = Sharpen.Config(amount=2, sigma=(0.8, 1.2))
    params = Sharpen(config).draw(draws(100), shape=torch.Size((100, 1, 5, 5)))
    assert 0 < params["amount"].min() < 0.1 < 1.9 < params["amount"].max() < 2
    assert 0.8 < params["sigma"].min() < 0.82 < 1.18 < params["sigma"].max() < 1.2
    images = torch.rand(100, 1, 9, 7)
    seen = Sharpen().apply(images, params)
    for place in (0, 57):
        amount, sigma = params["amount"][place].item(), params["sigma"][place].item()
        alone = sharpened(images[place : place + 1], amount, sigma)
        torch.testing.assert_close(seen[place], alone[0], atol=1e-5, rtol=0)


def test_half_types_are_kept(keeps_types):
    keeps_types(Sharpen())


@pytest.mark.parametrize("sigma", [(1.0, 0.5), (-0.1, 1.0)])
def test_widths_out_of_order_are_refused(sigma):
    with pytest.raises(ConfigError, match="sigma: needs the smallest deviation"):
        Sharpen.Config.parse({"sigma": sigma}, where="view")


@pytest.mark.parametrize("amount", [-0.1, 11])
def test_an_amount_out_of_range_is_refused(amount):
    with pytest.raises(ConfigError, match="amount: Input should be"):
        Sharpen.Config.parse({"amount": amount}, where="view")
