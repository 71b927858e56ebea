"""Means over positions, odds and ranks, against numpy."""

import numpy as np
import pytest
import torch

from anlage.transforms.masks._choice import hide, odds, per_position, random_order, smallest

SHAPES = [((6, 8), (3, 2)), ((4, 6, 10), (2, 3, 2))]


@pytest.mark.parametrize(("size", "grid"), SHAPES)
def test_positions_are_averaged_in_array_order(size, grid):
    values = torch.arange(2 * np.prod(size)).reshape(2, *size).double()
    found = per_position(values, grid).numpy()
    unit = [edge // count for edge, count in zip(size, grid, strict=True)]
    for image in range(2):
        for number, place in enumerate(np.ndindex(*grid)):
            box = tuple(slice(i * u, (i + 1) * u) for i, u in zip(place, unit, strict=True))
            assert found[image, number] == values[image].numpy()[box].mean()


def test_the_smallest_keys_are_marked_and_of_equal_ones_the_first():
    keys = torch.tensor([[3.0, 1.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert smallest(keys, 2).int().tolist() == [[0, 1, 0, 1], [1, 1, 0, 0]]
    assert not smallest(keys, 0).any()


def test_odds_are_those_of_a_weighted_draw_without_replacement(draws):
    """The first place falls to each position as often as its weight says, the second so on."""
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    given = draws(20_000)
    keys = odds(given, torch.tensor(weights).expand(20_000, -1), power=1.0).numpy()
    first, second = keys.argsort(axis=1)[:, :2].T
    share = weights / weights.sum()
    assert np.allclose(np.bincount(first, minlength=4) / 20_000, share, atol=0.01)
    after_three = np.bincount(second[first == 3], minlength=4) / (first == 3).sum()
    assert np.allclose(after_three, [1 / 3, 2 / 3, 0, 0], atol=0.015)


def test_keys_are_the_logarithms_of_exponential_times(draws):
    given, weights = draws(3), np.linspace(0.1, 7, 3 * 11).reshape(3, 11)
    uniform = given.uniform("odds", 11).numpy().astype(np.float64)
    for power in (0.0, 1.0, 3.0):
        found = odds(given, torch.from_numpy(weights), power=power).numpy()
        np.testing.assert_allclose(np.exp(found), -np.log(uniform) / weights**power, rtol=1e-9)


def test_a_higher_power_prefers_the_largest(draws):
    weights = torch.arange(1.0, 9.0).expand(500, -1)
    mean = [
        (smallest(odds(draws(500), weights, power=power), 3) * weights).sum(dim=1).mean() / 3
        for power in (0.0, 1.0, 4.0, 16.0)
    ]
    assert mean[0] == pytest.approx(4.5, abs=0.2)
    assert mean[0] < mean[1] < mean[2] < mean[3] <= 7
    assert mean[3] > 6.5


@pytest.mark.parametrize("nothing", [0.0, float("nan"), float("inf"), -1.0])
def test_what_is_no_weight_comes_last_in_random_order(draws, nothing):
    weights = torch.full((50, 6), nothing)
    order = random_order(draws(50), 6)
    all_equal = odds(draws(50), weights, power=1.0)
    assert torch.equal(all_equal.argsort(dim=1), order.argsort(dim=1))
    weights[:, 4] = 1e-30
    assert (odds(draws(50), weights, power=16.0).argmin(dim=1) == 4).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_random_share_is_drawn_from_all_others(draws, share):
    keys = torch.arange(20.0).expand(2_000, -1).double()
    hidden = hide(draws(2_000), keys, 10, random_share=share)
    assert (hidden.sum(dim=1) == 10).all()
    guided = 10 - round(share * 10)
    assert hidden[:, :guided].all()
    often = hidden[:, guided:].float().mean(dim=0)
    assert torch.allclose(often, torch.tensor((10 - guided) / (20 - guided)), atol=0.05)
    if share == 1:
        assert torch.equal(hidden, smallest(random_order(draws(2_000), 20), 10))
