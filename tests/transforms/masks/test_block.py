import numpy as np
import pytest
import torch
from scipy import ndimage

from anlage.errors import ConfigError
from anlage.transforms.masks.block import BlockMask
from anlage.transforms.masks.random import RandomMask

GRIDS = [(6, 15), (5, 9, 7)]


def blocks(number):
    return BlockMask(BlockMask.Config(num_blocks=number))


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("grid", GRIDS)
def test_every_image_hides_the_exact_share(draws, grid, ratio, number):
    hidden = blocks(number).draw(draws(20), grid=grid, ratio=ratio)
    assert hidden.dtype == torch.bool
    assert hidden.shape == (20, *grid)
    positions = int(np.prod(grid))
    assert hidden.flatten(1).sum(dim=1).tolist() == [round(ratio * positions)] * 20


@pytest.mark.parametrize("grid", GRIDS)
def test_one_block_is_one_piece_without_holes(draws, grid):
    for hidden in blocks(1).draw(draws(20), grid=grid, ratio=0.4).numpy():
        assert ndimage.label(hidden)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(hidden), hidden)


@pytest.mark.parametrize("grid", GRIDS)
def test_there_are_at_most_as_many_pieces_as_blocks(draws, grid):
    pieces = [
        max(ndimage.label(hidden, np.ones([3] * len(grid)))[1] for hidden in drawn.numpy())
        for drawn in (blocks(n).draw(draws(50), grid=grid, ratio=0.2) for n in (1, 2, 4))
    ]
    assert pieces[0] == 1
    assert 1 < pieces[1] <= 2
    assert 2 < pieces[2] <= 4


@pytest.mark.parametrize("grid", GRIDS)
def test_hidden_positions_are_the_nearest_to_the_drawn_centres(draws, grid):
    """In the largest-axis norm relative to the grid's edges, by hand."""
    given = draws(4)
    hidden = blocks(2).draw(given, grid=grid, ratio=0.3).numpy()
    edges = np.array(grid)
    centres = given.uniform("centre", 2 * len(grid)).numpy().reshape(4, 2, len(grid)) * edges
    places = np.stack(np.meshgrid(*[np.arange(e) + 0.5 for e in grid], indexing="ij"), axis=-1)
    for place in range(4):
        far = np.abs(places[..., None, :] - centres[place]) / edges
        distance = far.max(axis=-1).min(axis=-1)
        assert distance[hidden[place]].max() <= distance[~hidden[place]].min() + 2e-4


def test_blocks_have_the_shape_of_the_grid(draws):
    wide = blocks(1).draw(draws(100), grid=(10, 40), ratio=0.1)
    rows, columns = wide.any(dim=2).sum(dim=1), wide.any(dim=1).sum(dim=1)
    assert 2 < (columns / rows).median() < 6


def test_blocks_are_more_contiguous_than_random_positions(draws):
    def borders(hidden):
        return (hidden[:, 1:] != hidden[:, :-1]).float().mean()

    block = blocks(2).draw(draws(20), grid=(16, 16), ratio=0.5)
    random = RandomMask().draw(draws(20), grid=(16, 16), ratio=0.5)
    assert borders(block) < borders(random) / 3


@pytest.mark.parametrize("number", [0, 65])
def test_a_number_of_blocks_out_of_range_is_refused(number):
    with pytest.raises(ConfigError, match="num_blocks: Input should be"):
        BlockMask.Config.parse({"num_blocks": number}, where="mask block")
