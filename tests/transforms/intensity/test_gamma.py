import pytest
import torch
from monai.transforms import AdjustContrast
from torchvision.transforms.v2.functional import adjust_gamma

from anlage.errors import ConfigError
from anlage.transforms.intensity.gamma import Gamma


def full_range(*shape):
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    images.flatten(2)[:, :, 0], images.flatten(2)[:, :, 1] = 0.0, 1.0
    return images


@pytest.mark.parametrize("space", [(6, 9), (4, 5, 6)])
def test_each_image_is_bent_as_monai_and_torchvision_do(space):
    images, powers = full_range(3, 1, *space), torch.tensor([0.4, 1.7, 3.0])
    seen = Gamma().apply(images, {"power": powers})
    for place, power in enumerate(powers.tolist()):
        by_monai = AdjustContrast(gamma=power)(images[place])
        torch.testing.assert_close(seen[place], by_monai.as_tensor(), atol=1e-5, rtol=0)
        if len(space) == 2:
            by_torchvision = adjust_gamma(images[place], power)
            torch.testing.assert_close(seen[place], by_torchvision, atol=1e-6, rtol=0)


def test_a_power_of_one_is_the_identity():
    images = full_range(2, 3, 4, 5)
    assert torch.equal(Gamma().apply(images, {"power": torch.ones(2)}), images)


def test_black_and_white_stay(draws):
    images = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2).repeat(20, 1, 1, 1)
    params = Gamma(Gamma.Config(power=5)).draw(draws(20), shape=images.shape)
    assert torch.equal(Gamma().apply(images, params), images)


def test_powers_and_their_reciprocals_are_equally_frequent(draws):
    power = Gamma(Gamma.Config(power=2)).draw(draws(2000), shape=torch.Size((2000, 1, 2, 2)))
    log2 = power["power"].log2()
    assert -1 <= log2.min() < -0.99
    assert 0.99 < log2.max() <= 1 + 1e-6
    assert log2.mean().abs() < 0.06


def test_a_largest_power_of_one_changes_nothing(draws):
    power = Gamma(Gamma.Config(power=1)).draw(draws(3), shape=torch.Size((3, 1, 2, 2)))["power"]
    assert torch.equal(power, torch.ones(3))


@pytest.mark.parametrize("power", [0.5, 5.5])
def test_a_power_out_of_range_is_refused(power):
    with pytest.raises(ConfigError, match="power: Input should be"):
        Gamma.Config.parse({"power": power}, where="view gamma")
