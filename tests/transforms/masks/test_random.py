import pytest
import torch
from scipy import stats

from anlage.transforms.masks.random import RandomMask

GRIDS = [(3, 8), (4, 3, 5)]


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("grid", GRIDS)
def test_every_image_hides_the_exact_share(draws, grid, ratio):
    hidden = RandomMask().draw(draws(20), grid=grid, ratio=ratio)
    assert hidden.dtype == torch.bool
    assert hidden.shape == (20, *grid)
    positions = torch.tensor(grid).prod().item()
    assert hidden.flatten(1).sum(dim=1).tolist() == [round(ratio * positions)] * 20


@pytest.mark.parametrize("grid", GRIDS)
def test_positions_are_hidden_equally_often(draws, grid):
    counts = RandomMask().draw(draws(2000), grid=grid, ratio=0.5).flatten(1).sum(dim=0)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_neighbours_are_hidden_independently(draws):
    hidden = RandomMask().draw(draws(500), grid=(10, 10), ratio=0.5).double()
    both = (hidden[:, 1:] * hidden[:, :-1]).mean().item()
    assert both == pytest.approx(0.5 * 49 / 99, abs=0.01)


def test_the_hidden_positions_are_those_with_the_smallest_numbers(draws):
    numbers = draws(3).uniform("order", 12)
    hidden = RandomMask().draw(draws(3), grid=(3, 4), ratio=0.25).flatten(1)
    for place in range(3):
        smallest = numbers[place].sort().values[2]
        assert torch.equal(hidden[place], numbers[place] <= smallest)


def test_a_higher_ratio_hides_more_of_the_same(draws):
    few = RandomMask().draw(draws(5), grid=(6, 6), ratio=0.25)
    many = RandomMask().draw(draws(5), grid=(6, 6), ratio=0.75)
    assert (few <= many).all()
    assert few.sum() < many.sum()
