import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.colour_constancy import ColourConstancy


def balanced(images, **options):
    transform = ColourConstancy(ColourConstancy.Config(**options))
    return transform.apply(images, {"unused": torch.zeros(len(images))})


@pytest.mark.parametrize("power", [1.0, 6.0, 20.0])
@pytest.mark.parametrize("space", [(5, 8), (3, 4, 6)])
def test_channels_are_divided_by_the_minkowski_mean(space, power):
    images = torch.rand(2, 3, *space) * torch.tensor([1.0, 0.7, 0.4]).reshape(3, *[1] * len(space))
    for image, seen in zip(
        images.double().numpy(), balanced(images, power=power, gain=5), strict=True
    ):
        light = np.array([np.mean(channel**power) ** (1 / power) for channel in image])
        light /= np.linalg.norm(light)
        expected = image / (np.sqrt(3) * light).reshape(3, *[1] * len(space))
        np.testing.assert_allclose(seen, expected, rtol=1e-5)


def test_a_grey_scene_under_coloured_light_becomes_grey():
    scene = torch.rand(1, 1, 9, 9) * 0.8
    images = scene * torch.tensor([0.9, 0.6, 0.5]).reshape(1, 3, 1, 1)
    seen = balanced(images)
    torch.testing.assert_close(seen, seen[:, :1].expand(-1, 3, -1, -1))


def test_a_picture_in_white_light_stays_and_a_second_pass_changes_nothing():
    images = torch.rand(1, 1, 6, 6).repeat(1, 3, 1, 1)
    torch.testing.assert_close(balanced(images), images)
    once = balanced(torch.rand(2, 3, 6, 6))
    torch.testing.assert_close(balanced(once), once)


def test_black_corners_do_not_count():
    images = torch.rand(1, 3, 6, 6) * torch.tensor([1.0, 0.7, 0.4]).reshape(1, 3, 1, 1)
    framed = torch.zeros(1, 3, 12, 12)
    framed[..., 3:9, 3:9] = images
    torch.testing.assert_close(balanced(framed)[..., 3:9, 3:9], balanced(images))


def test_black_stays_black_and_a_channel_without_light_too():
    assert not balanced(torch.zeros(2, 3, 4, 4)).any()
    images = torch.rand(1, 3, 5, 5)
    images[:, 2] = 0
    seen = balanced(images)
    assert seen.isfinite().all()
    assert not seen[:, 2].any()


def test_no_channel_changes_by_more_than_the_limit():
    images = torch.rand(1, 3, 9, 9) * torch.tensor([1.0, 0.3, 0.02]).reshape(1, 3, 1, 1)
    ratio = (balanced(images, gain=1.5) / images).flatten(2).mean(dim=2)[0]
    torch.testing.assert_close(ratio, torch.tensor([1 / 1.5, 1.5, 1.5]), atol=1e-4, rtol=0)
    assert torch.equal(balanced(images, gain=1), images)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(balanced(images), images)
    assert ColourConstancy.channels == 3


@pytest.mark.parametrize("change", [{"power": 0.5}, {"power": 51}, {"gain": 0.9}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        ColourConstancy.Config.parse(change, where="view colour_constancy")
