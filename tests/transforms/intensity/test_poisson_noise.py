"""Photon counts: against scipy's quantiles and scikit-image's moments."""

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise

from anlage.errors import ConfigError
from anlage.transforms.intensity.poisson_noise import PoissonNoise


def noisy(images, sigma, noise):
    params = {"sigma": torch.full((len(images),), sigma), "noise": noise}
    return PoissonNoise().apply(images, params)


@pytest.mark.parametrize("sigma", [0.5, 0.1, 0.02])  # 4, 100 and 2500 photons at white
def test_counts_are_the_quantiles_of_the_normal_numbers(sigma):
    random = torch.Generator().manual_seed(0)
    images = torch.rand(1, 1, 100, 100, generator=random)
    images[..., :50] **= 6  # many dark ones
    noise = torch.randn(images.shape, generator=random)
    counts = noisy(images, sigma, noise).double().numpy() / sigma**2
    expected = stats.poisson.ppf(
        stats.norm.cdf(noise.double().numpy()), images.double().numpy() / sigma**2
    )
    difference = np.abs(counts - expected)
    assert difference.max() < 1.01  # never off by more than one photon
    assert (difference > 0.01).mean() < 5e-3


def test_the_series_is_right_from_a_few_photons_on():
    noise = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    images = torch.full_like(noise, 0.75)  # 3 photons
    counts = noisy(images, 0.5, noise).double().numpy() * 4
    expected = stats.poisson.ppf(stats.norm.cdf(noise.double().numpy()), 3)
    assert (np.abs(counts - expected) > 0.01).mean() < 4e-3  # without its last term, 6e-3


def test_moments_are_those_of_scikit_image(draws):
    values = np.linspace(0, 1, 16).repeat(4000).reshape(16, 1, 4000)
    reference = random_noise(values, mode="poisson", rng=0)  # 16 photons at white
    images = torch.from_numpy(values).float()[None]
    noise = draws(1).normal_field("noise", tuple(images.shape[1:]))
    seen = noisy(images, 0.25, noise).double().numpy()[0]
    inner = slice(0, 8)  # where scikit-image does not clip at white
    np.testing.assert_allclose(seen.mean((1, 2))[inner], reference.mean((1, 2))[inner], atol=0.015)
    np.testing.assert_allclose(seen.var((1, 2)), values[:, 0, 0] / 16, rtol=0.08, atol=1e-12)


@pytest.mark.parametrize("dims", [2, 3])
def test_black_stays_black_and_without_noise_the_image_stays(draws, dims):
    images = torch.rand(3, 2, *(7, 6, 5)[:dims])
    transform = PoissonNoise(PoissonNoise.Config(sigma=0))
    params = transform.draw(draws(3), shape=images.shape)
    assert torch.equal(transform.apply(images, params), images)
    assert not noisy(torch.zeros_like(images), 0.5, params["noise"]).any()


def test_sigma_bounds_what_is_drawn(draws):
    shape = torch.Size((50, 1, 2, 2))
    weak, strong = (
        PoissonNoise(PoissonNoise.Config(sigma=sigma)).draw(draws(50), shape=shape)["sigma"]
        for sigma in (0.1, 0.4)
    )
    torch.testing.assert_close(strong, 4 * weak)
    assert 0 < weak.min() < 0.02 < 0.08 < weak.max() < 0.1


def test_each_image_has_its_own_deviation():
    images, noise = torch.full((2, 1, 40, 40), 0.5), torch.randn(1, 1, 40, 40).expand(2, -1, -1, -1)
    params = {"sigma": torch.tensor([0.02, 0.2]), "noise": noise}
    seen = PoissonNoise().apply(images, params).flatten(1).std(dim=1)
    torch.testing.assert_close(seen, 0.5**0.5 * params["sigma"], rtol=0.1, atol=0)


def test_half_types_are_kept(keeps_types):
    keeps_types(PoissonNoise(), share_off=0.02)  # a count may round the other way


@pytest.mark.parametrize("sigma", [-0.1, 0.6])
def test_a_deviation_out_of_range_is_refused(sigma):
    with pytest.raises(ConfigError, match="sigma: Input should be"):
        PoissonNoise.Config.parse({"sigma": sigma}, where="view")
