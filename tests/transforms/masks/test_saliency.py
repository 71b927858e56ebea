import numpy as np
import pytest
import torch

from anlage.transforms.masks.random import RandomMask
from anlage.transforms.masks.saliency import SaliencyMask, _steepness


def mask(**options):
    return SaliencyMask(SaliencyMask.Config(**options))


@pytest.mark.parametrize("space", [(6, 9), (4, 5, 7), (1, 5), (4, 1, 3)])
def test_steepness_is_the_length_of_numpys_gradient(space):
    images = torch.rand(2, 3, *space, generator=torch.Generator().manual_seed(0))
    axes = tuple(axis for axis, edge in enumerate(space) if edge > 1)
    expected = np.zeros((2, *space))
    for place in np.ndindex(2, 3):
        slopes = np.gradient(images[place].numpy(), axis=axes)
        slopes = slopes if isinstance(slopes, tuple | list) else [slopes]
        expected[place[0]] += np.sqrt(sum(np.square(slope) for slope in slopes)) / 3
    np.testing.assert_allclose(_steepness(images).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("space", [(8, 12), (8, 4, 12)])
def test_the_steepest_position_is_hidden_most_often(draws, space):
    """Position-coded: one pixel of a known unit stands out."""
    grid = tuple(edge // 4 for edge in space)
    for number, place in enumerate(np.ndindex(*grid)):
        images = 0.5 + 0.001 * torch.rand(1, 1, *space, generator=torch.Generator().manual_seed(1))
        images[0, 0][tuple(4 * i + 1 for i in place)] = 1.0
        hidden = mask(random_share=0.0, power=4.0).draw(
            draws(20), grid=grid, ratio=0.01, guide=images.expand(20, *images.shape[1:])
        )
        assert (hidden.flatten(1).int().argmax(dim=1) == number).all()


def test_odds_follow_the_mean_gradient(draws):
    """Two positions of which one changes three times as fast."""
    images = torch.zeros(1, 1, 2, 8)
    images[..., :4] = 0.3 * torch.arange(4.0)
    images[..., 4:] = 0.9 + 0.1 * torch.arange(4.0)
    weights = np.abs(np.gradient(images[0, 0, 0].numpy()))
    share = weights[:4].sum() / weights.sum()
    hidden = mask(random_share=0.0).draw(
        draws(5000), grid=(1, 2), ratio=0.5, guide=images.expand(5000, -1, -1, -1)
    )
    assert hidden[:, 0, 0].float().mean().item() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_constant_image_is_hidden_at_random(draws, value):
    flat = torch.full((10, 1, 8, 8), value)
    random = RandomMask().draw(draws(10), grid=(2, 4), ratio=0.5)
    assert torch.equal(mask().draw(draws(10), grid=(2, 4), ratio=0.5, guide=flat), random)
    assert torch.equal(mask().draw(draws(10), grid=(2, 4), ratio=0.5), random)


def test_share_and_power_change_what_is_hidden(draws):
    images = torch.rand(40, 1, 16, 24, generator=torch.Generator().manual_seed(0))
    images[..., 12:] *= 0.05

    def steep(**options):
        hidden = mask(**options).draw(draws(40), grid=(4, 6), ratio=0.5, guide=images)
        assert (hidden.flatten(1).sum(dim=1) == 12).all()
        return hidden[..., :3].float().mean().item()

    assert steep(random_share=1.0) == pytest.approx(0.5, abs=0.05)
    assert steep(random_share=0.0, power=0.0) == pytest.approx(0.5, abs=0.05)
    assert 0.6 < steep() < steep(random_share=0.0) < steep(random_share=0.0, power=8.0) == 1
