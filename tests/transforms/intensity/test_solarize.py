import pytest
import torch
from torchvision.transforms.v2.functional import solarize as torchvision_solarize

from anlage.errors import ConfigError
from anlage.transforms.intensity.solarize import Solarize


def solarize(images, threshold):
    transform = Solarize(Solarize.Config(threshold=threshold))
    return transform.apply(images, {"unused": torch.zeros(len(images))})


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_bright_values_are_inverted_as_in_torchvision(threshold):
    images = torch.rand(2, 3, 6, 7)
    images[0, 0, 0, :3] = torch.tensor([threshold, 0.0, 1.0])
    expected = torchvision_solarize(images, threshold)
    torch.testing.assert_close(solarize(images, threshold), expected)


def test_dark_values_stay_as_they_are_also_in_3d():
    images = 0.4 * torch.rand(2, 1, 3, 4, 5)
    assert torch.equal(solarize(images, 0.5), images)


def test_one_value_at_the_threshold_is_inverted():
    assert solarize(torch.full((1, 1, 1, 1), 0.25), 0.25).item() == 0.75


def test_nothing_is_drawn(draws):
    shape = torch.Size((3, 1, 2, 2))
    first, second = (Solarize().draw(draws(3, seed=seed), shape=shape) for seed in (1, 2))
    assert torch.equal(first["unused"], second["unused"])


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ConfigError, match="threshold: Input should be"):
        Solarize.Config.parse({"threshold": threshold}, where="view solarize")
