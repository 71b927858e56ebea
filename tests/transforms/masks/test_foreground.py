import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.masks.foreground import ForegroundMask
from anlage.transforms.masks.random import RandomMask

GRIDS = [(6, 8), (4, 3, 5)]


def mask(**options):
    return ForegroundMask(ForegroundMask.Config(**options))


def body_of(grid, share=0.5, count=30):
    """Images of units of 4 pixels, bright in a random share of positions; and where."""
    inside = torch.rand(count, *grid, generator=torch.Generator().manual_seed(2)) < share
    inside[:, *(0,) * len(grid)] = True
    images = inside.float()
    for axis in range(1, len(grid) + 1):
        images = images.repeat_interleave(4, dim=axis)
    return images[:, None], inside


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("grid", GRIDS)
def test_the_foreground_is_hidden_first_up_to_its_limit(draws, grid, ratio):
    images, inside = body_of(grid)
    hidden = mask(most_hidden=0.6).draw(draws(30), grid=grid, ratio=ratio, guide=images)
    count = round(ratio * inside[0].numel())
    assert (hidden.flatten(1).sum(dim=1) == count).all()
    own = (hidden & inside).flatten(1).sum(dim=1).numpy()
    there = inside.flatten(1).sum(dim=1).numpy()
    elsewhere = inside[0].numel() - there
    wanted = np.minimum(np.floor(0.6 * there), count)
    assert np.array_equal(own, np.maximum(wanted, count - elsewhere))


def test_within_the_foreground_every_position_is_hidden_equally_often(draws):
    images, inside = body_of((6, 8), count=1)
    hidden = mask().draw(
        draws(2000), grid=(6, 8), ratio=0.25, guide=images.expand(2000, -1, -1, -1)
    )
    often = hidden.float().mean(dim=0)
    assert (often[~inside[0]] == 0).all()
    assert torch.allclose(often[inside[0]], torch.tensor(12 / inside.sum().item()), atol=0.05)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_without_a_foreground_positions_are_hidden_at_random(draws, value):
    flat = torch.full((10, 2, 8, 12), value)
    random = RandomMask().draw(draws(10), grid=(2, 3), ratio=0.5)
    assert torch.equal(mask().draw(draws(10), grid=(2, 3), ratio=0.5, guide=flat), random)
    assert torch.equal(mask().draw(draws(10), grid=(2, 3), ratio=0.5), random)


def test_a_view_that_is_foreground_all_over_is_hidden_at_random(draws):
    full = 0.5 + 0.5 * torch.rand(10, 1, 24, 32)
    full[:, :, ::4, ::4] = 0.0  # one dark pixel per position
    hidden = mask().draw(draws(10), grid=(6, 8), ratio=0.9, guide=full)
    assert torch.equal(hidden, RandomMask().draw(draws(10), grid=(6, 8), ratio=0.9))


def test_a_grid_of_two_leaves_one(draws):
    images = torch.zeros(10, 1, 4, 8)
    images[..., 4:] = 1
    hidden = mask().draw(draws(10), grid=(1, 2), ratio=0.5, guide=images)
    assert hidden[:, 0].int().tolist() == [[1, 0]] * 10  # all of a foreground is never hidden
    free = mask(most_hidden=1.0).draw(draws(10), grid=(1, 2), ratio=0.5, guide=images)
    assert free[:, 0].int().tolist() == [[0, 1]] * 10


def test_background_may_be_bright(draws):
    images, inside = body_of((6, 8))
    images = images * (
        0.4 + 0.6 * torch.rand(images.shape, generator=torch.Generator().manual_seed(4))
    )
    glass = 1 - images.expand(-1, 3, -1, -1) * torch.tensor([0.2, 0.8, 0.5]).reshape(3, 1, 1)
    found = mask(background="bright").draw(draws(30), grid=(6, 8), ratio=0.2, guide=glass)
    expected = mask().draw(draws(30), grid=(6, 8), ratio=0.2, guide=images)
    assert torch.equal(found, expected)
    wrong = mask().draw(draws(30), grid=(6, 8), ratio=0.2, guide=glass)
    assert (wrong & ~inside).any()


def test_margin_and_least_share_decide_what_is_foreground(draws):
    """Two of eight pixels at 0.3, the others at 0 and, in one other position, at 1."""
    images = torch.zeros(1, 1, 2, 12)
    images[..., :2, 0] = 0.3
    images[..., 8:] = 1.0
    hides = [
        mask(most_hidden=1.0, **options)
        .draw(draws(1), grid=(1, 3), ratio=0.67, guide=images)[0, 0]
        .int()
        .tolist()
        for options in ({}, {"margin": 0.29}, {"margin": 0.31}, {"least_share": 0.26})
    ]
    assert hides[0] == hides[1] == [1, 0, 1]
    other = [
        [
            mask(most_hidden=1.0, **options)
            .draw(draws(samples=[n]), grid=(1, 3), ratio=0.67, guide=images)[0, 0, 0]
            .item()
            for n in range(20)
        ]
        for options in ({"margin": 0.31}, {"least_share": 0.26})
    ]
    assert all(0 < sum(flags) < 20 for flags in other)  # as often as any empty position


def test_a_random_share_is_drawn_from_everywhere(draws):
    images, inside = body_of((6, 8))
    none, all_ = (
        mask(random_share=share).draw(draws(30), grid=(6, 8), ratio=0.25, guide=images)
        for share in (0.0, 1.0)
    )
    assert not (none & ~inside).any()
    assert torch.equal(all_, RandomMask().draw(draws(30), grid=(6, 8), ratio=0.25))


@pytest.mark.parametrize(
    "change", [{"margin": 0}, {"least_share": 0}, {"most_hidden": 1.1}, {"background": "grey"}]
)
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        ForegroundMask.Config.parse(change, where="mask foreground")
