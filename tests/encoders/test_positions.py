"""Position embeddings: values, token order and resizing."""

import math

import pytest
import torch
from timm.layers import resample_abs_pos_embed
from torch.nn import functional as F

from anlage.encoders import sincos_positions
from anlage.encoders._positions import resize_positions


@pytest.mark.parametrize("grid", [(3, 5), (2, 3, 4)])
def test_sincos_equals_the_formula_at_every_token(grid: tuple[int, ...]) -> None:
    width = 8 * 2 * len(grid)
    table = sincos_positions(grid, width)
    assert table.shape == (1, 1 + math.prod(grid), width)
    assert not table[0, 0].any()  # the class token
    places = torch.cartesian_prod(*(torch.arange(edge) for edge in grid)).tolist()
    for token, place in enumerate(places, start=1):
        expected = []
        for index in place:
            angles = [index / 10000 ** (band / 8) for band in range(8)]
            expected += [math.sin(angle) for angle in angles]
            expected += [math.cos(angle) for angle in angles]
        torch.testing.assert_close(table[0, token], torch.tensor(expected))


def test_sincos_leaves_a_width_that_does_not_divide_at_zero() -> None:
    table = sincos_positions((2, 2, 2), 16)
    torch.testing.assert_close(table[:, :, :12], sincos_positions((2, 2, 2), 12))
    assert not table[:, :, 12:].any()


def test_two_dimensions_are_resized_as_timm_does_it() -> None:
    positions = torch.randn(1, 1 + 3 * 5, 8)
    expected = resample_abs_pos_embed(positions, new_size=[7, 4], old_size=[3, 5])
    assert torch.equal(resize_positions(positions, (3, 5), (7, 4)), expected)


def test_three_dimensions_keep_their_axes() -> None:
    x, y, z = torch.meshgrid(*(torch.arange(edge) * 1.0 for edge in (4, 6, 8)), indexing="ij")
    coded = torch.stack((x, y, z), dim=-1).flatten(0, 2)  # each token knows where it is
    positions = F.pad(coded, (0, 0, 1, 0), value=-1.0)[None]
    resized = resize_positions(positions, (4, 6, 8), (8, 6, 4))
    assert torch.equal(resized[:, 0], positions[:, 0])
    maps = resized[0, 1:].reshape(8, 6, 4, 3)
    inner = maps[2:-2, 1:-1, 1:-1]
    expected_x = (torch.arange(8) + 0.5) / 2 - 0.5
    expected_z = (torch.arange(4) + 0.5) * 2 - 0.5
    torch.testing.assert_close(inner[:, 0, 0, 0], expected_x[2:-2])
    torch.testing.assert_close(inner[0, :, 0, 1], torch.arange(6.0)[1:-1])
    torch.testing.assert_close(inner[0, 0, :, 2], expected_z[1:-1])


def test_a_turned_grid_with_as_many_tokens_is_resized() -> None:
    positions = torch.randn(1, 1 + 8, 4)
    assert not torch.equal(resize_positions(positions, (2, 4), (4, 2)), positions)
    assert resize_positions(positions, (2, 4), (2, 4)) is positions
