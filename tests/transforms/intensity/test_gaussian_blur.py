import numpy as np
import pytest
import torch
from scipy import ndimage
from torchvision.transforms.v2.functional import gaussian_blur

from anlage.errors import ConfigError
from anlage.transforms.intensity.gaussian_blur import GaussianBlur


def smooth(images, *sigma, **options):
    transform = GaussianBlur(GaussianBlur.Config(**options))
    return transform.apply(images, {"sigma": torch.tensor(sigma)})


@pytest.mark.parametrize("sigma", [0.7, 1.1, 2.4])  # whose reach rounds up nowhere
@pytest.mark.parametrize("space", [(1, 13), (12, 20), (9, 14, 11)])
def test_images_are_smoothed_as_in_scipy_with_renormalised_borders(space, sigma):
    images = torch.rand(1, 2, *space)
    seen = smooth(images, sigma)
    options = {"sigma": sigma, "mode": "constant", "radius": int(3 * sigma)}
    weight = ndimage.gaussian_filter(np.ones(space), **options)
    for channel in range(2):
        one = ndimage.gaussian_filter(images[0, channel].double().numpy(), **options)
        np.testing.assert_allclose(seen[0, channel], one / weight, atol=1e-5)


def test_away_from_borders_images_are_smoothed_as_in_torchvision():
    images = torch.rand(1, 3, 24, 30)
    expected = gaussian_blur(images, kernel_size=[7, 7], sigma=[1.2, 1.2])
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(smooth(images, 1.2)[inner], expected[inner], atol=1e-5, rtol=0)


def test_each_image_has_its_own_width():
    images = torch.rand(2, 1, 8, 8).expand(2, 1, 8, 8)
    seen = smooth(images, 0.5, 2.0)
    torch.testing.assert_close(seen[:1], smooth(images[:1], 0.5))
    torch.testing.assert_close(seen[1:], smooth(images[1:], 2.0))


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_a_width_that_reaches_no_neighbour_is_the_identity(sigma):
    images = torch.rand(1, 1, 5, 7, 6)
    torch.testing.assert_close(smooth(images, sigma), images, atol=1e-7, rtol=0)


@pytest.mark.parametrize("space", [(6, 9), (4, 6, 5)])
def test_a_constant_image_stays_and_no_value_leaves_the_range(space):
    flat = torch.full((1, 1, *space), 0.7)
    torch.testing.assert_close(smooth(flat, 3.0), flat)
    images = torch.rand(4, 1, *space)
    seen = smooth(images, 0.5, 1.0, 2.0, 9.0)
    assert (seen.flatten(1).amin(1) >= images.flatten(1).amin(1) - 1e-6).all()
    assert (seen.flatten(1).amax(1) <= images.flatten(1).amax(1) + 1e-6).all()


def test_a_longer_reach_smooths_more():
    spot = torch.zeros(1, 1, 1, 21)
    spot[..., 10] = 1
    reach = [(smooth(spot, 2.0, truncate=t) > 0).sum().item() for t in (1.0, 2.0, 4.0)]
    assert reach == [5, 9, 17]


def test_widths_are_drawn_between_their_limits(draws):
    transform = GaussianBlur(GaussianBlur.Config(sigma=(0.5, 2.5)))
    sigma = transform.draw(draws(2000), shape=torch.Size((2000, 1, 2, 2)))["sigma"]
    assert 0.5 <= sigma.min() < 0.51
    assert 2.49 < sigma.max() <= 2.5


@pytest.mark.parametrize("sigma", [(2.0, 1.0), (-1.0, 1.0)])
def test_widths_out_of_order_or_range_are_refused(sigma):
    with pytest.raises(ConfigError, match="sigma: needs the smallest deviation, then the largest"):
        GaussianBlur.Config.parse({"sigma": sigma}, where="view gaussian_blur")


@pytest.mark.parametrize("sigma", [(0.0, float("inf")), (0.0, float("nan"))])
def test_widths_that_are_no_numbers_are_refused(sigma):
    with pytest.raises(ConfigError, match="view gaussian_blur: sigma"):
        GaussianBlur.Config.parse({"sigma": sigma}, where="view gaussian_blur")
