import numpy as np
import pytest
import torch
from skimage.color import xyz2rgb

from anlage.errors import ConfigError
from anlage.transforms.intensity.colour_temperature import ColourTemperature

# Chromaticities of the standard daylights, CIE 15:2004, table T.3.
DAYLIGHTS = {5003: (0.3457, 0.3585), 5503: (0.3324, 0.3474), 7504: (0.2990, 0.3149)}


def lit(images, *, mired=0.0, tint=0.0):
    ones = torch.ones(len(images))
    return ColourTemperature().apply(images, {"mired": mired * ones, "tint": tint * ones})


def linear(stored):
    """Undo the sRGB curve, IEC 61966-2-1."""
    stored = np.asarray(stored)
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kelvin", DAYLIGHTS)
def test_white_gets_the_colour_of_the_daylight(kelvin):
    x, y = DAYLIGHTS[kelvin]
    xyz = 0.5 * np.array([x / y, 1, (1 - x - y) / y])
    white = xyz2rgb(xyz)
    grey = torch.full((1, 3, 2, 2), 0.7354)  # the stored value of half of all light
    seen = lit(grey, mired=1e6 / kelvin - 1e6 / 6504)[0, :, 0, 0]
    np.testing.assert_allclose(seen, white, atol=0.004)


@pytest.mark.parametrize(("mired", "tint"), [(40.0, 0.0), (-60.0, 0.1), (0.0, -0.2)])
def test_linear_light_is_multiplied_by_one_factor_per_channel(mired, tint):
    images = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    ratio = linear(lit(images, mired=mired, tint=tint)) / linear(images)
    gain = ratio.mean(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(ratio, np.broadcast_to(gain, ratio.shape), rtol=1e-5)
    luminance = np.array([0.2126, 0.7152, 0.0722]) @ gain[0, :, 0, 0]
    assert luminance == pytest.approx(1, abs=1e-5)


def test_more_mired_is_warmer_and_tint_is_green():
    grey = torch.full((1, 3, 1, 1), 0.5)
    warm, cool, green = lit(grey, mired=40), lit(grey, mired=-40), lit(grey, tint=0.2)
    assert warm[0, 0] > warm[0, 1] > warm[0, 2]
    assert cool[0, 0] < cool[0, 1] < cool[0, 2]
    assert green[0, 1] > 0.5 > green[0, 0] == green[0, 2]


def test_no_change_is_the_identity_and_black_stays_black():
    images = torch.rand(2, 3, 3, 4, 5)
    torch.testing.assert_close(lit(images), images, atol=1e-5, rtol=0)
    assert not lit(torch.zeros(2, 3, 4, 4), mired=50, tint=0.1).any()


def test_by_default_white_leaves_the_unit_interval_by_little(draws):
    white = torch.ones(300, 3, 2, 2)
    transform = ColourTemperature()
    seen = transform.apply(white, transform.draw(draws(300), shape=white.shape))
    assert seen.max() < 1.11
    assert seen.min() > 0.9


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(lit(images, mired=50), images)
    assert ColourTemperature.channels == 3


def test_settings_limit_what_is_drawn_either_way(draws):
    transform = ColourTemperature(ColourTemperature.Config(mired=50, tint=0.1))
    params = transform.draw(draws(1000), shape=torch.Size((1000, 3, 2, 2)))
    assert -50 <= params["mired"].min() < -49.7
    assert 49.7 < params["mired"].max() <= 50
    assert -0.1 <= params["tint"].min() < -0.099
    assert 0.099 < params["tint"].max() <= 0.1


@pytest.mark.parametrize("change", [{"mired": 96}, {"tint": 0.6}, {"tint": -0.1}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        ColourTemperature.Config.parse(change, where="view colour_temperature")
