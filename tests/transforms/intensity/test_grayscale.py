import pytest
import torch
from skimage.color import rgb2yiq
from torchvision.transforms.v2.functional import rgb_to_grayscale

from anlage.transforms.intensity.grayscale import Grayscale


def grey(images):
    return Grayscale().apply(images, {"unused": torch.zeros(len(images))})


def test_luma_is_that_of_skimage_and_torchvision():
    images = torch.rand(2, 3, 5, 8)
    by_skimage = torch.from_numpy(rgb2yiq(images.numpy(), channel_axis=1)[:, :1])
    torch.testing.assert_close(grey(images), by_skimage.float().expand(-1, 3, -1, -1))
    by_torchvision = rgb_to_grayscale(images, num_output_channels=3)
    torch.testing.assert_close(grey(images), by_torchvision, atol=2e-4, rtol=0)


def test_grey_images_stay_as_they_are():
    images = torch.rand(2, 1, 4, 5, 3).expand(-1, 3, -1, -1, -1)
    torch.testing.assert_close(grey(images), images)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(grey(images), images)
    assert Grayscale.channels == 3


def test_nothing_is_drawn(draws):
    shape = torch.Size((3, 3, 2, 2))
    first, second = (Grayscale().draw(draws(3, seed=seed), shape=shape) for seed in (1, 2))
    assert {key: value.tolist() for key, value in first.items()} == {
        key: value.tolist() for key, value in second.items()
    }
