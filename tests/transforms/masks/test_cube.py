import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.masks.cube import CubeMask
from anlage.transforms.masks.random import RandomMask

GRIDS = [(6, 8), (4, 6, 2), (5, 7), (3, 5, 4)]


def cubes(edge):
    return CubeMask(CubeMask.Config(edge=edge))


def parts(hidden, edge):
    """Share of each aligned cube that is hidden, cut ones included."""
    grid = hidden.shape
    places = np.ndindex(*(-(-count // edge) for count in grid))
    return np.array(
        [hidden[tuple(slice(i * edge, (i + 1) * edge) for i in place)].mean() for place in places]
    )


@pytest.mark.parametrize("edge", [1, 2, 3, 16])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("grid", GRIDS)
def test_whole_cubes_are_hidden_but_for_the_last_and_the_share_is_exact(draws, grid, ratio, edge):
    for hidden in cubes(edge).draw(draws(20), grid=grid, ratio=ratio).numpy():
        assert hidden.sum() == round(ratio * hidden.size)
        share = parts(hidden, edge)
        assert ((share > 0) & (share < 1)).sum() <= 1


@pytest.mark.parametrize("grid", [(6, 8), (4, 6, 2)])
def test_every_position_is_hidden_equally_often(draws, grid):
    often = cubes(2).draw(draws(3000), grid=grid, ratio=0.5).float().mean(dim=0)
    assert torch.allclose(often, torch.tensor(0.5), atol=0.05)


def test_axes_are_not_mixed_up(draws):
    """A cube of a flat grid spans what its shape says, the last axis counting fastest."""
    hidden = cubes(2).draw(draws(50), grid=(2, 6), ratio=1 / 3)
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    assert torch.equal(hidden[:, 0, ::2], hidden[:, 0, 1::2])
    assert len({tuple(row.flatten().tolist()) for row in hidden}) == 3


def test_cubes_of_one_are_a_random_mask_of_another_order(draws):
    one, random = (
        mask.draw(draws(400), grid=(5, 5), ratio=0.4) for mask in (cubes(1), RandomMask())
    )
    assert not torch.equal(one, random)
    both = (one[:, 1:] & one[:, :-1]).float().mean().item()
    assert both == pytest.approx(0.4 * 9 / 24, abs=0.02)


def test_a_cube_larger_than_the_grid_still_hides_the_share_at_random(draws):
    hidden = cubes(16).draw(draws(400), grid=(2, 2), ratio=0.5)
    assert (hidden.flatten(1).sum(dim=1) == 2).all()
    assert len({tuple(row.flatten().tolist()) for row in hidden}) == 6


@pytest.mark.parametrize("edge", [0, 17])
def test_an_edge_out_of_range_is_refused(edge):
    with pytest.raises(ConfigError, match="edge: Input should be"):
        CubeMask.Config.parse({"edge": edge}, where="mask cube")
