"""Masks as pixels and tokens, patches and their order: position-coded and never cubic."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anlage.encoders import build_encoder
from anlage.errors import ShapeError
from anlage.methods._masked import (
    as_deployed,
    hidden_mean,
    hidden_pixels,
    hidden_tokens,
    patchify,
    standardise_patches,
    token_order,
    unpatchify,
)

SIZES = [(8, 12), (8, 4, 12)]


def _coded(size: tuple[int, ...], channels: int = 2) -> Tensor:
    """Two images in which every value is another one."""
    count = 2 * channels * math.prod(size)
    return torch.arange(count, dtype=torch.float32).reshape(2, channels, *size)


@pytest.mark.parametrize("size", SIZES)
def test_unpatchify_undoes_patchify(size: tuple[int, ...]) -> None:
    images = _coded(size)
    grid = tuple(edge // 4 for edge in size)
    assert torch.equal(unpatchify(patchify(images, 4), grid, 4), images)


@pytest.mark.parametrize("size", SIZES)
def test_patch_n_is_the_block_at_place_n_of_the_grid(size: tuple[int, ...]) -> None:
    images = _coded(size)
    patches = patchify(images, 4)
    for number, place in enumerate(np.ndindex(*(edge // 4 for edge in size))):
        block = images[(slice(None), slice(None), *(slice(4 * i, 4 * i + 4) for i in place))]
        assert torch.equal(patches[:, number], block.flatten(1))


@pytest.mark.parametrize(("size", "edges"), [((8, 12), (4, 2)), ((8, 4, 12), (2, 4, 3))])
def test_patches_may_have_another_edge_on_each_axis(
    size: tuple[int, ...], edges: tuple[int, ...]
) -> None:
    images = _coded(size)
    grid = tuple(edge // own for edge, own in zip(size, edges, strict=True))
    patches = patchify(images, edges)
    assert torch.equal(unpatchify(patches, grid, edges), images)
    for number, place in enumerate(np.ndindex(*grid)):
        box = tuple(slice(e * i, e * i + e) for i, e in zip(place, edges, strict=True))
        assert torch.equal(patches[:, number], images[(slice(None), slice(None), *box)].flatten(1))


@pytest.mark.parametrize("size", [(16, 24), (16, 8, 24)])
def test_patches_are_in_the_order_of_the_encoders_tokens(size: tuple[int, ...]) -> None:
    encoder = build_encoder("vit_tiny", dims=len(size), channels=2, image_size=size)
    projection = encoder.body.patch_embed.proj
    images = _coded(size) / 1000
    expected = patchify(images, 8) @ projection.weight.flatten(1).T + projection.bias
    torch.testing.assert_close(encoder.body.patch_embed(images), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("grid", [(2, 3), (2, 1, 3)])
def test_masks_grow_to_pixels_and_tokens_of_the_same_places(grid: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    masks = torch.rand(2, *grid) < 0.5
    size = tuple(8 * edge for edge in grid)
    pixels = hidden_pixels(masks, size)
    for image in range(2):
        assert np.array_equal(pixels[image, 0], np.kron(masks[image], np.ones((8,) * len(grid))))
    tokens = hidden_tokens(masks, size, patch=4)  # a unit of 8 pixels holds two tokens per axis
    inside = patchify(pixels.float(), 4)
    assert torch.equal(tokens, inside.bool().all(dim=-1))
    assert torch.equal(tokens, inside.bool().any(dim=-1))


def test_a_mask_that_does_not_divide_the_view_is_named() -> None:
    with pytest.raises(ShapeError, match=r"mask of \(2, 3\) units must divide a view of \(8, 8\)"):
        hidden_pixels(torch.zeros(1, 2, 3, dtype=torch.bool), (8, 8))


def test_token_order_keeps_visible_tokens_and_can_be_undone() -> None:
    hidden = torch.tensor([[1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 1, 0]]).bool()
    visible, place = token_order(hidden)
    assert visible.tolist() == [[1, 2, 4], [0, 3, 5]]
    tokens = torch.arange(6).repeat(2, 1)
    listed = torch.cat((tokens.gather(1, visible), torch.full((2, 3), -1)), dim=1)
    restored = listed.gather(1, place)
    assert torch.equal(restored, torch.where(hidden, -1, tokens))


def test_different_numbers_of_hidden_tokens_are_named() -> None:
    hidden = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0]]).bool()
    with pytest.raises(ShapeError, match="the same number of tokens, got between 1 and 3"):
        token_order(hidden)


def test_standardised_patches_have_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    patches = 5 + 3 * torch.randn(4, 6, 64)
    found = standardise_patches(patches, floor=0.0)
    array = patches.numpy()
    expected = (array - array.mean(-1, keepdims=True)) / array.std(-1, keepdims=True)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_the_floor_keeps_noise_in_flat_air_small() -> None:
    torch.manual_seed(0)
    air = -1 + 0.001 * torch.randn(1, 1, 64)
    assert float(standardise_patches(air, floor=0.01).abs().max()) < 0.05
    assert float(standardise_patches(air, floor=0.0).abs().max()) > 1  # what it protects from
    constant = standardise_patches(torch.full((1, 1, 64), 7.0), floor=0.01)
    assert torch.equal(constant, torch.zeros(1, 1, 64))


@pytest.mark.parametrize("ratio", [0.25, 0.75])
def test_hidden_mean_does_not_depend_on_how_much_is_hidden(ratio: float) -> None:
    hidden = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    hidden.view(2, -1)[:, : round(16 * ratio)] = True
    error = torch.where(hidden, 3.0, 100.0).repeat(1, 2, 1, 1)  # two channels share a mask
    assert float(hidden_mean(error, hidden)) == 3
    assert float(hidden_mean(error, torch.zeros_like(hidden))) == 0  # nothing hidden, no NaN


def test_as_deployed_one_image_does_not_depend_on_others_and_nothing_changes() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    network[2].eval()  # a part that was at rest stays so
    images = torch.randn(6, 3)
    before = [buffer.clone() for buffer in network.buffers()]
    with as_deployed(network):
        together, alone = network(images), network(images[:1])
    torch.testing.assert_close(together[:1], alone)
    assert [part.training for part in network] == [True, True, False]
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))


def test_as_deployed_trains_on_after_a_fault() -> None:
    network = nn.BatchNorm1d(2).train()
    with pytest.raises(RuntimeError, match="planted"), as_deployed(network):
        raise RuntimeError("planted")
    assert network.training
