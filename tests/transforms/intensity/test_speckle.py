import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from anlage.errors import ConfigError
from anlage.transforms.intensity.speckle import Speckle


def speckle(**options):
    return Speckle(Speckle.Config(**options))


@pytest.mark.parametrize("space", [(30, 40), (9, 10, 12)])
def test_with_a_grain_of_one_pixel_each_is_multiplied_by_normal_noise(draws, space):
    images = torch.rand(2, 1, *space) + 0.1
    params = speckle(grain=1).draw(draws(2), shape=images.shape)
    seen = speckle(grain=1).apply(images, params)
    sigma = params["sigma"].reshape(2, 1, *[1] * len(space))
    torch.testing.assert_close(seen, images * (1 + sigma * params["grain"]))
    scaled = ((seen / images - 1) / sigma).double().flatten()
    assert stats.kstest(scaled.numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("space", [(12, 21), (8, 9, 12)])
def test_coarse_grain_is_interpolated_as_in_scipy(draws, space):
    images = torch.ones(1, 1, *space)
    transform = speckle(grain=3)
    params = transform.draw(draws(1), shape=images.shape)
    coarse = params["grain"][0, 0].double().numpy()
    assert coarse.shape == tuple(-(-edge // 3) for edge in space)
    index = [
        (np.arange(edge) + 0.5) * small / edge - 0.5
        for edge, small in zip(space, coarse.shape, strict=True)
    ]
    places = np.stack(np.meshgrid(*index, indexing="ij"))
    grain = ndimage.map_coordinates(coarse, places, order=1, mode="nearest")
    expected = 1 + params["sigma"].item() * grain
    np.testing.assert_allclose(transform.apply(images, params)[0, 0], expected, atol=1e-5)


def test_black_stays_black_and_no_deviation_is_the_identity(draws):
    images = torch.rand(3, 1, 8, 9)
    black = torch.zeros_like(images)
    params = speckle().draw(draws(3), shape=images.shape)
    assert torch.equal(speckle().apply(black, params), black)
    still = params | {"sigma": torch.zeros(3)}
    assert torch.equal(speckle().apply(images, still), images)


def test_all_channels_share_their_grain(draws):
    images = torch.ones(2, 3, 8, 8)
    seen = speckle().apply(images, speckle().draw(draws(2), shape=images.shape))
    assert torch.equal(seen, seen[:, :1].expand(-1, 3, -1, -1))


def test_deviations_are_drawn_up_to_the_limit(draws):
    sigma = speckle(sigma=0.5).draw(draws(2000), shape=torch.Size((2000, 1, 2, 2)))["sigma"]
    assert 0 <= sigma.min() < 0.002
    assert 0.498 < sigma.max() <= 0.5


@pytest.mark.parametrize("change", [{"sigma": 1.5}, {"grain": 0}, {"grain": 17}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Speckle.Config.parse(change, where="view speckle")
