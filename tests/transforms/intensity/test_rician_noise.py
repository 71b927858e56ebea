"""Noise of magnitude images: against MONAI with its own numbers, and scipy's distribution."""

import numpy as np
import pytest
import torch
from monai.transforms import RandRicianNoise
from scipy import stats

from anlage.errors import ConfigError
from anlage.transforms.intensity.rician_noise import RicianNoise

SPACE = {2: (9, 14), 3: (6, 9, 7)}


@pytest.mark.parametrize("dims", [2, 3])
def test_the_same_noise_gives_what_monai_gives(dims):
    images = torch.rand(1, 2, *SPACE[dims])
    monai = RandRicianNoise(prob=1.0, std=0.2, sample_std=False).set_random_state(3)
    expected = monai(images[0])
    noise = np.stack([monai._noise1, monai._noise2])[None] / 0.2
    params = {"sigma": torch.tensor([0.2]), "noise": torch.from_numpy(noise).float()}
    seen = RicianNoise().apply(images, params)
    torch.testing.assert_close(seen[0], torch.as_tensor(np.asarray(expected)))


@pytest.mark.parametrize("value", [0.0, 0.1, 0.8])
def test_values_follow_the_rice_distribution(draws, value):
    images = torch.full((4, 1, 60, 60), value)
    transform = RicianNoise()
    params = transform.draw(draws(), shape=images.shape) | {"sigma": torch.full((4,), 0.1)}
    seen = transform.apply(images, params).flatten().double().numpy()
    assert stats.kstest(seen, stats.rice(b=value / 0.1, scale=0.1).cdf).pvalue > 1e-3


def test_channels_and_both_parts_get_their_own_noise(draws):
    noise = RicianNoise().draw(draws(2), shape=torch.Size((2, 3, 20, 30)))["noise"]
    assert noise.shape == (2, 2, 3, 20, 30)
    correlation = torch.corrcoef(noise.flatten(0, 2).flatten(1))
    torch.testing.assert_close(correlation, torch.eye(12), atol=0.2, rtol=0)


def test_without_noise_the_image_stays(draws):
    images = torch.rand(4, 2, 8, 9)
    transform = RicianNoise(RicianNoise.Config(sigma=0))
    params = transform.draw(draws(), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images, atol=1e-7, rtol=0)


def test_sigma_bounds_what_is_drawn_and_each_image_has_its_own(draws):
    weak, strong = (
        RicianNoise(RicianNoise.Config(sigma=sigma)).draw(draws(50), shape=torch.Size((50, 1, 1)))
        for sigma in (0.1, 0.4)
    )
    torch.testing.assert_close(strong["sigma"], 4 * weak["sigma"])
    assert weak["sigma"].unique().numel() == 50
    assert 0 < weak["sigma"].min() < 0.02 < 0.08 < weak["sigma"].max() < 0.1


def test_half_types_are_kept(keeps_types):
    keeps_types(RicianNoise())


@pytest.mark.parametrize("sigma", [-0.1, 1.1, float("inf")])
def test_a_deviation_out_of_range_is_refused(sigma):
    with pytest.raises(ConfigError, match="sigma: Input should be"):
        RicianNoise.Config.parse({"sigma": sigma}, where="view")
