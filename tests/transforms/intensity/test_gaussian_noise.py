import pytest
import torch
from scipy import stats

from anlage.errors import ConfigError
from anlage.transforms.intensity.gaussian_noise import GaussianNoise


def noise(sigma):
    return GaussianNoise(GaussianNoise.Config(sigma=sigma))


@pytest.mark.parametrize("shape", [(3, 2, 30, 41), (3, 2, 12, 15, 14)])
def test_what_is_added_is_normal_with_the_drawn_deviation(draws, shape):
    images = torch.rand(shape)
    params = noise(0.2).draw(draws(3), shape=images.shape)
    added = (noise(0.2).apply(images, params) - images).double()
    for place, sigma in enumerate(params["sigma"].tolist()):
        scaled = added[place].flatten() / sigma
        assert stats.kstest(scaled.numpy(), "norm").pvalue > 1e-3


def test_channels_and_images_have_noise_of_their_own(draws):
    field = noise(0.2).draw(draws(2), shape=torch.Size((2, 2, 40, 40)))["noise"].flatten(2)
    together = torch.corrcoef(field.reshape(4, -1)) - torch.eye(4)
    assert together.abs().max() < 0.12


def test_no_deviation_is_the_identity(draws):
    images = torch.rand(3, 1, 6, 7)
    params = noise(0.0).draw(draws(3), shape=images.shape)
    assert torch.equal(noise(0.0).apply(images, params), images)


def test_deviations_are_drawn_up_to_the_limit(draws):
    sigma = noise(0.4).draw(draws(2000), shape=torch.Size((2000, 1, 2, 2)))["sigma"]
    assert 0 <= sigma.min() < 0.002
    assert 0.398 < sigma.max() <= 0.4


@pytest.mark.parametrize("sigma", [-0.1, 1.1])
def test_a_deviation_out_of_range_is_refused(sigma):
    with pytest.raises(ConfigError, match="sigma: Input should be"):
        GaussianNoise.Config.parse({"sigma": sigma}, where="view gaussian_noise")
