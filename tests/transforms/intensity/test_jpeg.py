import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from anlage.errors import ConfigError
from anlage.transforms.intensity.jpeg import Jpeg


def compressed(images, quality, **options):
    params = {"quality": torch.as_tensor(quality, dtype=torch.float32).expand(len(images))}
    return Jpeg(Jpeg.Config(**options)).apply(images, params)


def pillow(image, quality, *, halve_colour=True):
    """Return what Pillow decodes from its own compression of one image, (C, X, Y)."""
    pixels = np.round(np.moveaxis(image.numpy(), 0, -1) * 255).astype(np.uint8)
    stream = io.BytesIO()
    picture = Image.fromarray(pixels.squeeze())
    picture.save(stream, "JPEG", quality=quality, subsampling=2 if halve_colour else 0)
    decoded = np.asarray(Image.open(stream), dtype=np.float64) / 255
    return np.moveaxis(decoded.reshape(pixels.shape), -1, 0)


def smooth(*shape, seed=0):
    """Return images with structure of a few pixels, as pictures have."""
    noise = np.random.default_rng(seed).normal(size=shape)
    width = (0, 0, *[2.0] * (len(shape) - 2))
    coarse = ndimage.gaussian_filter(noise, width, mode="wrap")
    return torch.from_numpy(np.clip(0.5 + coarse / coarse.std() / 5 + noise / 50, 0, 1)).float()


@pytest.mark.parametrize("quality", [10, 30, 58, 75, 92])
def test_grey_pictures_are_those_of_pillow(quality):
    images = smooth(2, 1, 24, 40)
    seen = compressed(images, quality)
    for image, result in zip(images, seen, strict=True):
        off = np.abs(result.numpy() - pillow(image, quality)) * 255
        assert off.mean() < 0.5  # Pillow rounds to whole numbers: 0.25 on average
        assert np.quantile(off, 0.9) < 1.1  # its whole-number transform turns some ties over


@pytest.mark.parametrize("quality", [15, 50, 80])
@pytest.mark.parametrize("halve_colour", [True, False])
def test_colour_pictures_are_those_of_pillow(quality, halve_colour):
    images = smooth(2, 3, 32, 48)
    seen = compressed(images, quality, halve_colour=halve_colour)
    for image, result in zip(images, seen, strict=True):
        expected = pillow(image, quality, halve_colour=halve_colour)
        off = np.abs(result.numpy() - expected) * 255
        changed = np.abs(image.numpy() - expected).mean() * 255
        assert off.mean() < 0.5 + 0.06 * changed
        assert np.quantile(off, 0.8) < 2.5


def test_an_edge_that_is_no_multiple_of_a_block_is_as_in_pillow():
    images = smooth(1, 1, 13, 21)
    np.testing.assert_allclose(compressed(images, 40)[0], pillow(images[0], 40), atol=1.6 / 255)


def test_each_image_has_its_own_quality():
    images = smooth(1, 3, 16, 24).repeat(3, 1, 1, 1)
    seen = compressed(images, torch.tensor([20, 60, 20]))
    assert torch.equal(seen[0], seen[2])
    torch.testing.assert_close(seen[1:2], compressed(images[:1], 60))
    errors = (seen - images).abs().flatten(1).mean(dim=1)
    assert errors[0] > 1.2 * errors[1]


def test_volumes_are_compressed_slice_by_slice_along_the_last_axis():
    volume = smooth(2, 3, 16, 24, 3)
    seen = compressed(volume, 30)
    for number in range(3):
        flat = compressed(volume[..., number], 30)
        torch.testing.assert_close(seen[..., number], flat)


def test_other_numbers_of_channels_are_compressed_one_by_one():
    images = smooth(1, 2, 16, 16)
    seen = compressed(images, 30)
    for channel in (0, 1):
        alone = compressed(images[:, channel : channel + 1], 30)
        torch.testing.assert_close(seen[:, channel : channel + 1], alone)


def test_the_best_quality_only_rounds_and_even_images_stay():
    images = smooth(2, 1, 16, 16)
    torch.testing.assert_close(compressed(images, 100), images, atol=2.5 / 255, rtol=0)
    for value in (0.0, 1.0):
        flat = torch.full((1, 3, 16, 16), value)
        torch.testing.assert_close(compressed(flat, 50), flat, atol=1.6 / 255, rtol=0)


def test_settings_limit_what_is_drawn(draws):
    transform = Jpeg(Jpeg.Config(loss=(20, 23)))
    quality = transform.draw(draws(200), shape=torch.Size((200, 1, 8, 8)))["quality"]
    assert quality.unique().tolist() == [77, 78, 79, 80]


@pytest.mark.parametrize("loss", [(50, 20), (-1, 20), (20, 100)])
def test_a_setting_out_of_range_is_refused(loss):
    with pytest.raises(ConfigError, match="loss: needs the smallest loss, then the largest"):
        Jpeg.Config.parse({"loss": loss}, where="view jpeg")
