import numpy as np
import pytest
import torch
from skimage.color import rgb2yiq, yiq2rgb

from anlage.errors import ConfigError
from anlage.transforms.intensity.hue_saturation import HueSaturation


def apply(images, *, degrees=0.0, factor=1.0):
    ones = torch.ones(len(images))
    return HueSaturation().apply(images, {"degrees": degrees * ones, "factor": factor * ones})


@pytest.mark.parametrize(("degrees", "factor"), [(0, 1.5), (20, 1.0), (-75, 0.4), (180, 1.0)])
@pytest.mark.parametrize("space", [(4, 7), (3, 4, 5)])
def test_chroma_turns_and_stretches_in_skimages_yiq(space, degrees, factor):
    images = torch.rand(2, 3, *space)
    yiq = rgb2yiq(images.double().numpy(), channel_axis=1)
    chroma = (yiq[:, 1] + 1j * yiq[:, 2]) * factor * np.exp(1j * np.deg2rad(degrees))
    yiq[:, 1], yiq[:, 2] = chroma.real, chroma.imag
    expected = yiq2rgb(yiq, channel_axis=1)
    seen = apply(images, degrees=degrees, factor=factor)
    np.testing.assert_allclose(seen, expected, atol=1e-3)


def test_brightness_is_kept():
    images = torch.rand(2, 3, 5, 5)
    luma = torch.tensor([0.299, 0.587, 0.114])
    before = torch.einsum("bchw,c->bhw", images, luma)
    after = torch.einsum("bchw,c->bhw", apply(images, degrees=50, factor=0.3), luma)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)


def test_grey_stays_grey():
    images = torch.rand(2, 1, 4, 4).expand(-1, 3, -1, -1)
    seen = apply(images, degrees=90, factor=1.9)
    torch.testing.assert_close(seen, images, atol=2e-4, rtol=0)


def test_no_change_is_the_identity():
    images = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(apply(images), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(apply(images, degrees=90, factor=0.5), images)
    assert HueSaturation.channels == 3


def test_settings_limit_what_is_drawn_either_way(draws):
    transform = HueSaturation(HueSaturation.Config(hue_degrees=30, saturation=0.5))
    params = transform.draw(draws(2000), shape=torch.Size((2000, 3, 2, 2)))
    assert -30 <= params["degrees"].min() < -29.5
    assert 29.5 < params["degrees"].max() <= 30
    assert 0.5 <= params["factor"].min() < 0.51
    assert 1.49 < params["factor"].max() <= 1.5


@pytest.mark.parametrize("change", [{"hue_degrees": 181}, {"saturation": 1.0}, {"saturation": -1}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        HueSaturation.Config.parse(change, where="view hue_saturation")
