import itertools

import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.masks.lesion import LesionMask
from anlage.transforms.masks.random import RandomMask

GRIDS = [(6, 8), (4, 3, 5)]


def mask(**options):
    return LesionMask(LesionMask.Config(**options))


def maps_of(grid, share, count=40, unit=3):
    """Label maps whose lesion (1) is a random share of pixels in some positions; its pixels."""
    random = np.random.default_rng(3)
    there = random.random((count, *grid)) < share
    pixels = there
    for axis in range(1, len(grid) + 1):
        pixels = pixels.repeat(unit, axis=axis)
    maps = pixels & (random.random(pixels.shape) < 0.6)
    counts = np.zeros((count, *grid), dtype=int)
    for place in np.ndindex(*grid):
        box = tuple(slice(i * unit, (i + 1) * unit) for i in place)
        counts[(slice(None), *place)] = maps[(slice(None), *box)].reshape(count, -1).sum(axis=1)
    return torch.from_numpy(maps).long(), counts


def hidden_share(hidden, counts):
    area = counts.reshape(len(counts), -1)
    return (hidden.flatten(1).numpy() * area).sum(axis=1) / np.maximum(area.sum(axis=1), 1)


@pytest.mark.parametrize("limit", [None, 0.25, 0.0])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("grid", GRIDS)
def test_protect_never_hides_more_of_the_lesion_than_its_share(draws, grid, ratio, limit):
    labels, counts = maps_of(grid, 0.2)
    hidden = mask(share=limit).draw(draws(40), grid=grid, ratio=ratio, guide=labels)
    assert (hidden.flatten(1).sum(dim=1) == round(ratio * np.prod(grid))).all()
    area = np.sort(counts.reshape(40, -1), axis=1)
    least = area[:, : round(ratio * np.prod(grid))].sum(axis=1) / area.sum(axis=1)
    share = hidden_share(hidden, counts)
    assert (share <= np.maximum(0.5 if limit is None else limit, least)).all()
    assert limit == 0 or share.max() > 0


def test_protect_hides_as_little_as_possible_where_it_must_hide_more(draws):
    """Against every choice of so many positions, by brute force."""
    labels, counts = maps_of((2, 4), 0.8, count=40)
    hidden = mask(share=0.1).draw(draws(40), grid=(2, 4), ratio=0.6, guide=labels)
    for own, area in zip(hidden.flatten(1).numpy(), counts.reshape(40, -1), strict=True):
        choices = itertools.combinations(range(8), 5)
        least = min(area[list(choice)].sum() for choice in choices)
        assert area[own].sum() <= max(least, 0.1 * area.sum())


def test_protect_treats_everything_else_alike(draws):
    labels = torch.zeros(4000, 8, 12, dtype=torch.long)
    labels[:, :4, :4] = 1  # the first of six positions
    often = mask().draw(draws(4000), grid=(2, 3), ratio=0.5, guide=labels).float().mean(dim=0)
    assert often[0, 0] == 0
    assert torch.allclose(often.flatten()[1:], torch.tensor(0.6), atol=0.03)


@pytest.mark.parametrize("least", [None, 0.9, 0.3])
@pytest.mark.parametrize("grid", GRIDS)
def test_focus_hides_at_least_its_share_but_for_one_position(draws, grid, least):
    labels, counts = maps_of(grid, 0.2)
    hidden = mask(intent="focus", share=least).draw(draws(40), grid=grid, ratio=0.5, guide=labels)
    assert (hidden.flatten(1).sum(dim=1) == round(0.5 * np.prod(grid))).all()
    share, wanted = hidden_share(hidden, counts), 0.75 if least is None else least
    for own, found, area in zip(
        hidden.flatten(1).numpy(), share, counts.reshape(40, -1), strict=True
    ):
        places = (area > 0).sum()
        seen = area[~own & (area > 0)]
        if places > 1:
            assert len(seen) >= 1
            assert found >= wanted or len(seen) == 1
    random = RandomMask().draw(draws(40), grid=grid, ratio=0.5)
    assert share.mean() >= hidden_share(random, counts).mean() + 0.15 * (wanted > 0.5)


def test_focus_hides_a_lesion_on_one_position_as_often_as_any(draws):
    labels = torch.zeros(4000, 8, 12, dtype=torch.long)
    labels[:, 5, 9] = 1
    hidden = mask(intent="focus").draw(draws(4000), grid=(2, 3), ratio=0.5, guide=labels)
    assert torch.equal(hidden, RandomMask().draw(draws(4000), grid=(2, 3), ratio=0.5))


def test_focus_on_a_lesion_larger_than_what_is_hidden_hides_lesion_alone(draws):
    labels, counts = maps_of((6, 8), 0.7)
    hidden = mask(intent="focus").draw(draws(40), grid=(6, 8), ratio=0.2, guide=labels)
    assert (counts.reshape(40, -1)[hidden.flatten(1).numpy()] > 0).all()


@pytest.mark.parametrize("intent", ["protect", "focus"])
def test_an_empty_lesion_is_hidden_at_random(draws, intent):
    labels = torch.zeros(10, 8, 12, dtype=torch.long)
    random = RandomMask().draw(draws(10), grid=(2, 3), ratio=0.5)
    own = mask(intent=intent)
    assert torch.equal(own.draw(draws(10), grid=(2, 3), ratio=0.5, guide=labels), random)
    assert torch.equal(own.draw(draws(10), grid=(2, 3), ratio=0.5), random)


@pytest.mark.parametrize("intent", ["protect", "focus"])
@pytest.mark.parametrize("grid", [(1, 2), (2, 2), (1, 1, 2)])
def test_a_lesion_all_over_leaves_the_share_exact(draws, intent, grid):
    labels = torch.ones(10, *(3 * edge for edge in grid), dtype=torch.long)
    hidden = mask(intent=intent).draw(draws(10), grid=grid, ratio=0.5, guide=labels)
    assert (hidden.flatten(1).sum(dim=1) == np.prod(grid) // 2).all()
    assert len({tuple(own.flatten().tolist()) for own in hidden}) > 1


def test_only_the_named_classes_count(draws):
    labels = torch.zeros(10, 8, 12, dtype=torch.long)
    labels[:, :4, :4], labels[:, 4:, 8:], labels[:, :4, 8:] = 1, 2, 7
    for classes, kept in ((None, [0, 2, 5]), ((2,), [5]), ((1, 7), [0, 2]), ((3,), [])):
        own = mask(share=0.0, classes=classes)
        hidden = own.draw(draws(10), grid=(2, 3), ratio=0.5, guide=labels).flatten(1)
        assert not hidden[:, kept].any()
        others = [place for place in range(6) if place not in kept]
        assert hidden[:, others].any(dim=0).all()


@pytest.mark.parametrize("place", [0, 3, 7, 11])
def test_axes_are_not_mixed_up(draws, place):
    """Position-coded on a grid that is not cubic."""
    grid = (2, 3, 2)
    labels = torch.zeros(6, 8, 6, 10, dtype=torch.long)  # units of 4 x 2 x 5
    i, j, k = np.unravel_index(place, grid)
    labels[:, 4 * i + 3, 2 * j + 1, 5 * k + 4] = 1
    hidden = mask(share=0.0).draw(draws(6), grid=grid, ratio=11 / 12, guide=labels)
    assert (~hidden.flatten(1)).nonzero().tolist() == [[image, place] for image in range(6)]


@pytest.mark.parametrize("change", [{"intent": "hide"}, {"share": 1.5}, {"classes": []}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=rf"{next(iter(change))}: "):
        LesionMask.Config.parse(change, where="mask lesion")
