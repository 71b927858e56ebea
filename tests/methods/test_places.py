"""Places: the same anatomy is found in two views, whatever was done to them."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from anlage.methods._places import (
    grid_places,
    match_places,
    sample_maps,
    source_places,
    token_places,
)
from anlage.tensors import Views
from anlage.transforms.draws import Draws
from anlage.transforms.spatial.flip import Flip
from anlage.transforms.spatial.rotate import Rotate
from anlage.transforms.views import CropBatch, Intensities, Step, ViewPlan, make_views
from anlage.types import ViewSpec

SIZES = [(40, 56), (24, 40, 32)]


def _position_coded_views(size: tuple[int, ...], spacing: tuple[float, ...]) -> Views:
    """Two views with flips, turns and zoom of images whose channel i is the place on axis i."""
    dims = len(size)
    axes = [torch.linspace(0.1, 0.9, edge) for edge in size]
    image = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    batch = CropBatch(
        images=image.repeat(6, *[1] * (dims + 1)),
        label_maps=None,
        spacing_mm=torch.tensor(spacing).repeat(6, 1),
        sample=torch.arange(6),
        patient=torch.arange(6),
    )
    steps = (
        Step(name="flip", p=0.5, transform=Flip(Flip.Config(axis="lr"))),
        Step(name="ud", p=0.5, transform=Flip(Flip.Config(axis="ud"))),
        Step(name="rotate", p=0.7, transform=Rotate(Rotate.Config(degrees=40))),
    )
    plan = ViewPlan(
        size=tuple(32 + 8 * axis for axis in range(dims)),
        intensities=Intensities(low=0, high=1, mean=(0.0,) * dims, std=(1.0,) * dims),
        crop_scale=(0.3, 0.6),
        steps=steps,
    )
    spec = ViewSpec(num_views=2, min_overlap=0.3)
    draws = Draws(seed=3, epoch=np.zeros(6, dtype=np.int64), sample=np.arange(6))
    return make_views(batch, plan, spec, draws=draws)


@pytest.mark.parametrize(
    ("size", "spacing"), [*zip(SIZES, [(1.0, 0.5), (2.0, 1.0, 0.7)], strict=True)]
)
def test_matched_places_show_the_same_anatomy(
    size: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    views = _position_coded_views(size, spacing)
    places = grid_places(6, 7, like=views.geometry[0])
    matched, is_shared = match_places(places, *views.geometry)
    (here,) = sample_maps((views.images[0],), places)
    (there,) = sample_maps((views.images[1],), matched)
    # What reaches over the source crop's edge is padded; ramps are exact elsewhere.
    inside = is_shared & ((here > 0.13) & (here < 0.87)).all(dim=-1)
    assert 0.2 < float(inside.float().mean()) < 0.95
    assert not is_shared.all()
    worst = (here - there).abs().amax(dim=-1)[inside].max()
    assert float(worst) < 0.012
    # Reading the second view at the first view's places is something else.
    (unmatched,) = sample_maps((views.images[1],), places)
    assert float((here - unmatched).abs().amax(dim=-1)[inside].median()) > 0.05


def test_source_places_are_millimetres_by_hand() -> None:
    # A view of 20 x 10 mm about (3, -1) mm, its second axis reversed.
    geometry = torch.tensor([[[10.0, 0.0, 3.0], [0.0, -5.0, -1.0]]])
    places = torch.tensor([[[-1.0, -1.0], [0.0, 0.0], [0.5, 1.0]]])
    expected = torch.tensor([[[-7.0, 4.0], [3.0, -1.0], [8.0, -6.0]]])
    torch.testing.assert_close(source_places(places, geometry), expected)


def test_places_outside_the_other_view_are_told_apart() -> None:
    here = torch.tensor([[[10.0, 0.0, 0.0], [0.0, 10.0, 0.0]]])
    there = torch.tensor([[[10.0, 0.0, 10.0], [0.0, 10.0, 0.0]]])  # 10 mm further on axis 0
    places = torch.tensor([[[-0.5, 0.0], [0.5, 0.0], [0.9, -0.9]]])
    matched, is_shared = match_places(places, here, there)
    assert is_shared.tolist() == [[False, True, True]]
    torch.testing.assert_close(matched, places - torch.tensor([1.0, 0.0]))


def test_autocast_does_not_round_millimetres() -> None:
    views = _position_coded_views((24, 40, 32), (2.0, 1.0, 0.7))
    places = grid_places(6, 5, like=views.geometry[0])
    usual = match_places(places, *views.geometry)[0]
    with torch.autocast("cpu", torch.bfloat16):
        inside = match_places(places, *views.geometry)[0]
    assert torch.equal(inside, usual)


@pytest.mark.parametrize("grid", [(3, 5), (2, 3, 4)])
def test_token_places_are_where_tokens_lie_in_maps(grid: tuple[int, ...]) -> None:
    index = torch.arange(math.prod(grid)).repeat(2, 1)
    places = token_places(index, grid, like=torch.zeros(2, len(grid), len(grid) + 1))
    for number, cell in enumerate(np.ndindex(*grid)):
        expected = [(2 * i + 1) / edge - 1 for i, edge in zip(cell, grid, strict=True)]
        torch.testing.assert_close(places[0, number], torch.tensor(expected))
    maps = torch.randn(2, 3, *grid)
    (found,) = sample_maps((maps,), places)
    torch.testing.assert_close(found, maps.flatten(2).transpose(1, 2))


def test_grid_places_are_cell_centres_with_the_last_axis_fastest() -> None:
    places = grid_places(2, 2, like=torch.zeros(2, 2, 3, dtype=torch.float64))
    corners = [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]
    assert places.tolist() == [corners, corners]
    assert places.dtype == torch.float64


def test_maps_of_all_sizes_are_read_at_the_same_place() -> None:
    def ramp(edge: int) -> Tensor:
        cells = (torch.arange(edge) + 0.5) * 2 / edge - 1  # the place each cell lies at
        return torch.stack(torch.meshgrid(cells, cells, indexing="ij"))[None]

    places = torch.tensor([[[0.25, -0.5], [0.0, 0.5]]])
    for found in sample_maps((ramp(16), ramp(8), ramp(4)), places):
        torch.testing.assert_close(found, places)
