import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.depth_gain import DepthGain


def amplified(images, gains, **options):
    params = {"gain_db": torch.tensor([gains], dtype=torch.float32).repeat(len(images), 1)}
    return DepthGain(DepthGain.Config(**options)).apply(images, params)


def test_echoes_are_amplified_before_they_are_compressed():
    images = torch.rand(2, 1, 13, 5, dtype=torch.float64) * 0.9 + 0.1
    gains, range_db = [-6.0, 0.0, 3.0, 12.0], 50.0
    seen = amplified(images, gains, range_db=range_db)
    gain_db = np.interp(np.linspace(0, 3, 13), np.arange(4), gains)[:, None]
    echoes = 10 ** ((images.numpy() - 1) * range_db / 20) * 10 ** (gain_db / 20)
    np.testing.assert_allclose(seen, 1 + 20 * np.log10(echoes) / range_db, atol=1e-6)


def test_the_gain_fades_out_towards_black():
    images = torch.tensor([0.0, 0.025, 0.05, 0.1, 0.5, 1.0]).reshape(1, 1, 1, 6)
    added = amplified(images, [6.0, 6.0]) - images
    shares = torch.tensor([0, 0.25, 0.5, 1, 1, 1]).reshape(1, 1, 1, 6)
    torch.testing.assert_close(added, 0.1 * shares)


@pytest.mark.parametrize(("space", "axis"), [((6, 8), 0), ((6, 8), 1), ((6, 7, 8), 2)])
def test_depth_runs_along_its_axis_from_the_first_pixel_on(space, axis):
    images = torch.full((1, 1, *space), 0.5)
    added = (amplified(images, [0.0, 12.0], axis=axis) - images)[0, 0].movedim(axis, 0)
    ramp = torch.linspace(0, 0.2, space[axis])
    expected = ramp.reshape(-1, *[1] * (len(space) - 1)).expand_as(added)
    torch.testing.assert_close(added, expected, atol=1e-6, rtol=0)


def test_the_sector_is_kept(draws):
    images = torch.rand(6, 1, 20, 20) * (torch.rand(6, 1, 20, 20) > 0.4)
    transform = DepthGain(DepthGain.Config(gain_db=30))
    seen = transform.apply(images, transform.draw(draws(6), shape=images.shape))
    assert not seen[images == 0].any()
    assert (seen != images).flatten(1).any(dim=1).all()


def test_no_gain_is_the_identity():
    images = torch.rand(2, 3, 5, 6)
    assert torch.equal(amplified(images, [0.0, 0.0, 0.0]), images)


def test_settings_limit_what_is_drawn_either_way(draws):
    transform = DepthGain(DepthGain.Config(gain_db=10, sliders=6))
    drawn = transform.draw(draws(500), shape=torch.Size((500, 1, 4, 4)))["gain_db"]
    assert drawn.shape == (500, 6)
    assert -10 <= drawn.min() < -9.9
    assert 9.9 < drawn.max() <= 10


def test_an_axis_that_images_lack_is_refused(draws):
    transform = DepthGain(DepthGain.Config(axis=2))
    with pytest.raises(ConfigError, match="below the number of spatial axes, 2, got 2"):
        transform.draw(draws(1), shape=torch.Size((1, 1, 4, 4)))


@pytest.mark.parametrize("change", [{"gain_db": 61}, {"sliders": 1}, {"range_db": 0}, {"axis": 3}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        DepthGain.Config.parse(change, where="view depth_gain")
