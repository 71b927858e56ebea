import pytest
import torch
from torchvision.transforms.v2.functional import adjust_contrast

from anlage.errors import ConfigError
from anlage.transforms.intensity.brightness_contrast import BrightnessContrast


def apply(images, *, shift=0.0, factor=1.0):
    ones = torch.ones(len(images))
    return BrightnessContrast().apply(images, {"shift": shift * ones, "factor": factor * ones})


@pytest.mark.parametrize("factor", [0.3, 0.9, 1.4])
def test_contrast_is_stretched_about_the_mean_as_in_torchvision(factor):
    images = 0.3 + 0.3 * torch.rand(2, 1, 8, 11)  # so that nothing is clipped there
    torch.testing.assert_close(apply(images, factor=factor), adjust_contrast(images, factor))


@pytest.mark.parametrize("space", [(5, 7), (3, 5, 4)])
def test_brightness_is_added_and_the_mean_moves_by_it(space):
    images = torch.rand(2, 2, *space)
    torch.testing.assert_close(apply(images, shift=0.2), images + 0.2)
    moved = apply(images, shift=-0.1, factor=1.7)
    torch.testing.assert_close(moved.flatten(1).mean(1), images.flatten(1).mean(1) - 0.1)
    torch.testing.assert_close(moved.flatten(1).std(1), 1.7 * images.flatten(1).std(1))


def test_no_change_is_the_identity():
    images = torch.rand(3, 1, 4, 6)
    torch.testing.assert_close(apply(images), images, atol=1e-7, rtol=0)


def test_a_constant_image_has_no_contrast_to_stretch():
    images = torch.full((1, 1, 3, 3), 0.4)
    torch.testing.assert_close(apply(images, factor=0.1), images)


def test_settings_limit_what_is_drawn_either_way(draws):
    transform = BrightnessContrast(BrightnessContrast.Config(brightness=0.2, contrast=0.6))
    params = transform.draw(draws(2000), shape=torch.Size((2000, 1, 2, 2)))
    assert -0.2 <= params["shift"].min() < -0.195
    assert 0.195 < params["shift"].max() <= 0.2
    assert 0.4 <= params["factor"].min() < 0.41
    assert 1.59 < params["factor"].max() <= 1.6
    assert abs(torch.corrcoef(torch.stack(list(params.values())))[0, 1]) < 0.1


@pytest.mark.parametrize("change", [{"brightness": -0.1}, {"brightness": 1.1}, {"contrast": 1.0}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        BrightnessContrast.Config.parse(change, where="view brightness_contrast")
