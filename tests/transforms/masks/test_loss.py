import numpy as np
import pytest
import torch

from anlage.transforms.masks.loss import LossMask
from anlage.transforms.masks.random import RandomMask
from anlage.transforms.masks.saliency import SaliencyMask


def mask(**options):
    return LossMask(LossMask.Config(**options))


@pytest.mark.parametrize("grid", [(3, 4), (2, 3, 2)])
def test_positions_are_hidden_by_the_odds_of_their_error(draws, grid):
    """Position-coded errors: how often one of a kind is drawn first is its share of all."""
    errors = torch.arange(12.0).reshape(1, *grid).expand(6000, *grid)
    hidden = mask(random_share=0.0).draw(draws(6000), grid=grid, ratio=0.01, guide=errors)
    often = hidden.float().mean(dim=0).flatten().numpy()
    np.testing.assert_allclose(often, np.arange(12) / 66, atol=0.015)


@pytest.mark.parametrize("nothing", [0.0, float("nan"), float("inf")])
def test_errors_that_say_nothing_leave_it_to_chance(draws, nothing):
    random = RandomMask().draw(draws(8), grid=(3, 4), ratio=0.5)
    guide = torch.full((8, 3, 4), nothing)
    assert torch.equal(mask().draw(draws(8), grid=(3, 4), ratio=0.5, guide=guide), random)
    assert torch.equal(mask().draw(draws(8), grid=(3, 4), ratio=0.5), random)


def test_share_and_power_change_what_is_hidden(draws):
    errors = torch.cat((torch.full((200, 4, 3), 1.0), torch.full((200, 4, 3), 0.1)), dim=2)

    def hard(**options):
        hidden = mask(**options).draw(draws(200), grid=(4, 6), ratio=0.5, guide=errors)
        assert (hidden.flatten(1).sum(dim=1) == 12).all()
        return hidden[..., :3].float().mean().item()

    assert hard(random_share=1.0) == pytest.approx(0.5, abs=0.03)
    assert hard(random_share=0.0, power=0.0) == pytest.approx(0.5, abs=0.03)
    assert 0.6 < hard() < hard(random_share=0.0) < hard(random_share=0.0, power=16.0) == 1


def test_by_default_half_is_drawn_from_everywhere():
    assert LossMask().config.random_share == SaliencyMask().config.random_share == 0.5
