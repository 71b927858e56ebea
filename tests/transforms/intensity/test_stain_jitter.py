import numpy as np
import pytest
import torch
from skimage.color import hed2rgb, rgb2hed
from skimage.color.colorconv import rgb_from_hed

from anlage.errors import ConfigError
from anlage.transforms.intensity.stain_jitter import StainJitter

_UNIT = -np.log(1e-6)  # scikit-image's amounts are optical densities divided by this


def tissue(*space, seed=0):
    """Return images that three dyes can make, (2, 3, *space)."""
    amounts = np.random.default_rng(seed).uniform(0, 0.08, (2, *space, 3))
    return torch.from_numpy(np.moveaxis(hed2rgb(amounts), -1, 1)).float()


def jitter(images, factor=(1, 1, 1), shift=(0, 0, 0)):
    params = {
        "factor": torch.tensor([factor], dtype=torch.float32).repeat(len(images), 1),
        "shift": torch.tensor([shift], dtype=torch.float32).repeat(len(images), 1),
    }
    return StainJitter().apply(images, params)


@pytest.mark.parametrize("space", [(5, 7), (3, 4, 5)])
def test_amounts_change_in_skimages_stain_space(space):
    images, factor, shift = tissue(*space), (1.2, 0.7, 1.1), (0.05, 0.1, 0.02)
    amounts = rgb2hed(images.double().numpy(), channel_axis=1)
    column = (1, 3, *[1] * len(space))
    amounts = amounts * np.reshape(factor, column) + np.reshape(shift, column) / _UNIT
    expected = hed2rgb(amounts, channel_axis=1)
    np.testing.assert_allclose(jitter(images, factor, shift), expected, atol=1e-5)


def test_any_colour_follows_the_formula_of_the_paper():
    images = torch.rand(2, 3, 6, 6, dtype=torch.float64) * 0.99 + 0.01
    factor, shift = np.array([1.3, 0.8, 0.9]), np.array([-0.1, 0.05, 0.2])
    density = -np.log(np.moveaxis(images.numpy(), 1, -1))
    amounts = np.linalg.solve(rgb_from_hed.T, density[..., None])[..., 0]
    expected = np.exp(-(factor * amounts + shift) @ rgb_from_hed)
    seen = jitter(images, factor.tolist(), shift.tolist())
    np.testing.assert_allclose(np.moveaxis(seen.numpy(), 1, -1), expected, rtol=1e-5)


def test_no_change_is_the_identity():
    images = torch.rand(2, 3, 5, 5)
    images[:, :, 0], images[:, :, 1] = 0, 1
    assert torch.equal(jitter(images), images)


def test_black_stays_black_and_white_is_tinted_by_the_shift_alone():
    black, white = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert not jitter(black, (1.4, 0.6, 1.4), (-0.3, 0, 0)).any()
    assert torch.equal(jitter(white, (1.4, 0.6, 1.4)), white)
    tinted = jitter(white, shift=(0.1, 0, 0))[0, :, 0, 0]
    np.testing.assert_allclose(tinted, np.exp(-0.1 * rgb_from_hed[0]), rtol=1e-5)


@pytest.mark.parametrize("dye", [0, 1, 2])
def test_each_dye_has_its_own_factor(dye):
    amounts = np.zeros((1, 3, 3))
    amounts[0, range(3), range(3)] = 0.05  # one pixel for each dye alone
    images = torch.from_numpy(np.moveaxis(hed2rgb(amounts), -1, 0)[None]).float()
    factor = [1.0, 1.0, 1.0]
    factor[dye] = 1.5
    changed = (jitter(images, factor) - images).abs().amax(dim=1)[0, 0]
    assert (changed > 0.01).tolist() == [number == dye for number in range(3)]


def test_by_default_stained_tissue_hardly_leaves_the_unit_interval(draws):
    images = tissue(8, 8).repeat(100, 1, 1, 1)
    transform = StainJitter()
    seen = transform.apply(images, transform.draw(draws(200), shape=images.shape))
    assert seen.min() > 0
    assert seen.max() < 1.1
    assert (seen - images).abs().mean() > 0.01


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(jitter(images, (2, 2, 2)), images)
    assert StainJitter.channels == 3


def test_settings_limit_what_is_drawn_either_way(draws):
    transform = StainJitter(StainJitter.Config(scale=0.4, shift=0.1))
    params = transform.draw(draws(1000), shape=torch.Size((1000, 3, 2, 2)))
    assert params["factor"].shape == params["shift"].shape == (1000, 3)
    assert 0.6 <= params["factor"].min() < 0.61
    assert 1.39 < params["factor"].max() <= 1.4
    assert -0.1 <= params["shift"].min() < -0.099
    assert 0.099 < params["shift"].max() <= 0.1


@pytest.mark.parametrize("change", [{"scale": 1.0}, {"shift": 0.6}, {"scale": -0.1}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        StainJitter.Config.parse(change, where="view stain_jitter")
