"""Boxes in millimetres: their place, their share of the source, their overlap."""

import math

import pytest
import torch
from scipy import stats

from anlage.transforms.crop import Boxes, draw_boxes, overlap_share

SOURCES = {2: (40.0, 15.0), 3: (30.0, 80.0, 10.0)}  # half edges in mm: nothing is square


def source(count, dims):
    return torch.tensor(SOURCES[dims]).repeat(count, 1)


def shares(boxes, whole):
    return (boxes.half / whole).prod(dim=1)


@pytest.mark.parametrize("dims", [2, 3])
def test_boxes_lie_inside_their_source(draws, dims):
    whole = source(2000, dims)
    boxes = draw_boxes(draws(2000), whole, scale=(0.05, 1.0), aspect=(0.5, 2.0))
    assert (boxes.half > 0).all()
    assert (boxes.centre.abs() + boxes.half <= whole * (1 + 1e-6)).all()


@pytest.mark.parametrize("dims", [2, 3])
def test_the_kept_share_is_uniform_between_its_limits(draws, dims):
    whole = source(3000, dims)
    boxes = draw_boxes(draws(3000), whole, scale=(0.3, 0.7), aspect=(0.8, 1.25))
    kept = shares(boxes, whole).double().numpy()
    assert stats.kstest(kept, "uniform", args=(0.3, 0.4)).pvalue > 1e-3


@pytest.mark.parametrize("dims", [2, 3])
def test_a_box_of_the_whole_is_the_source_exactly(draws, dims):
    whole = source(20, dims)
    boxes = draw_boxes(draws(20), whole, scale=(1.0, 1.0), aspect=(0.5, 2.0))
    assert torch.equal(boxes.half, whole)
    assert torch.equal(boxes.centre, torch.zeros_like(whole))


def test_without_aspect_a_box_has_the_shape_of_its_source(draws):
    whole = source(200, 3)
    boxes = draw_boxes(draws(200), whole, scale=(0.1, 0.9), aspect=(1.0, 1.0))
    edges = boxes.half / whole
    torch.testing.assert_close(edges, edges[:, :1].expand(-1, 3))


def test_aspect_changes_the_ratio_of_edges_up_to_its_limits(draws):
    whole = source(3000, 2)
    boxes = draw_boxes(draws(3000), whole, scale=(0.3, 0.3), aspect=(0.8, 1.25))
    edges = boxes.half / whole
    ratio = edges[:, 0] / edges[:, 1]
    assert 0.8 * (1 - 1e-5) <= ratio.min() < 0.83
    assert 1.2 < ratio.max() <= 1.25 * (1 + 1e-5)


def test_a_nearly_whole_box_is_stretched_less_so_that_its_share_is_kept(draws):
    whole = source(500, 3)
    boxes = draw_boxes(draws(500), whole, scale=(0.95, 0.95), aspect=(0.5, 2.0))
    torch.testing.assert_close(shares(boxes, whole), torch.full((500,), 0.95))
    assert (boxes.half <= whole).all()
    assert (boxes.half / whole).std(dim=1).max() > 0.005


def test_centres_are_spread_evenly_over_the_room_that_a_box_has(draws):
    whole = source(3000, 2)
    boxes = draw_boxes(draws(3000), whole, scale=(0.2, 0.2), aspect=(1.0, 1.0))
    place = (boxes.centre / (whole - boxes.half)).double().numpy()
    for axis in range(2):
        assert stats.kstest(place[:, axis], "uniform", args=(-1, 2)).pvalue > 1e-3
    assert abs(stats.pearsonr(place[:, 0], place[:, 1]).statistic) < 4.5 / math.sqrt(3000)


def test_boxes_scale_with_the_millimetres_of_their_source(draws):
    options = {"scale": (0.2, 0.8), "aspect": (0.8, 1.25)}
    small = draw_boxes(draws(50), source(50, 3), **options)
    stretch = torch.tensor([1.0, 3.0, 0.5])
    large = draw_boxes(draws(50), source(50, 3) * stretch, **options)
    torch.testing.assert_close(large.half, small.half * stretch)
    torch.testing.assert_close(large.centre, small.centre * stretch)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("least", [0.25, 0.6, 0.9])
def test_a_partner_overlaps_as_much_as_asked(draws, dims, least):
    whole = source(500, dims)
    options = {"scale": (0.1, 0.6), "aspect": (1.0, 1.0)}
    first = draw_boxes(draws(500), whole, **options)
    second = draw_boxes(draws(500, view=1), whole, near=first, min_overlap=least, **options)
    assert overlap_share(first, second).min() >= least - 1e-4
    assert (second.centre.abs() + second.half <= whole * (1 + 1e-6)).all()
    free = draw_boxes(draws(500, view=1), whole, near=first, min_overlap=0.0, **options)
    assert overlap_share(first, free).min() < least


def test_a_partner_that_overlaps_by_chance_stays_where_it_was_drawn(draws):
    whole = source(500, 2)
    options = {"scale": (0.1, 0.5), "aspect": (0.8, 1.25)}
    first = draw_boxes(draws(500), whole, **options)
    free = draw_boxes(draws(500, view=1), whole, **options)
    held = draw_boxes(draws(500, view=1), whole, near=first, min_overlap=0.5, **options)
    torch.testing.assert_close(held.half, free.half)
    is_near = overlap_share(first, free) >= 0.5
    assert 0 < is_near.sum() < 500
    assert torch.equal(held.centre[is_near], free.centre[is_near])
    assert (held.centre[~is_near] != free.centre[~is_near]).any(dim=1).all()


def test_where_no_place_overlaps_enough_a_box_is_centred_as_far_as_the_source_allows(draws):
    whole = torch.tensor([[10.0, 4.0]])
    near = Boxes(centre=torch.tensor([[8.0, -1.0]]), half=torch.tensor([[1.0, 1.0]]))
    far = draw_boxes(
        draws(1), whole, scale=(0.25, 0.25), aspect=(1.0, 1.0), near=near, min_overlap=1.5
    )
    torch.testing.assert_close(far.half, torch.tensor([[5.0, 2.0]]))
    torch.testing.assert_close(far.centre, torch.tensor([[5.0, -1.0]]))


@pytest.mark.parametrize("dims", [2, 3])
def test_overlap_is_the_share_of_places_of_the_smaller_box_that_lie_in_both(draws, dims):
    unit = draws(40).uniform("x", 4 * dims).reshape(40, 4, dims)
    first = Boxes(centre=10 * unit[:, 0] - 5, half=2 + 4 * unit[:, 1])
    second = Boxes(centre=10 * unit[:, 2] - 5, half=2 + 4 * unit[:, 3])
    is_first = first.half.prod(dim=1) < second.half.prod(dim=1)
    centre = torch.where(is_first[:, None], first.centre, second.centre)
    half = torch.where(is_first[:, None], first.half, second.half)
    axis = (torch.arange(41) + 0.5) * (2 / 41) - 1
    grid = torch.stack(torch.meshgrid(*[axis] * dims, indexing="ij"), dim=-1).reshape(-1, dims)
    places = centre[:, None] + half[:, None] * grid
    in_both = torch.ones(40, len(grid), dtype=torch.bool)
    for boxes in (first, second):
        in_both &= ((places - boxes.centre[:, None]).abs() <= boxes.half[:, None]).all(dim=-1)
    counted = in_both.float().mean(dim=1)
    assert counted.min() == 0
    assert counted.max() > 0.5
    torch.testing.assert_close(overlap_share(first, second), counted, atol=0.08, rtol=0)
    assert torch.equal(overlap_share(first, second), overlap_share(second, first))


def test_a_box_inside_another_is_covered_wholly():
    inner = Boxes(centre=torch.tensor([[1.0, 1.0]]), half=torch.tensor([[1.0, 2.0]]))
    outer = Boxes(centre=torch.zeros(1, 2), half=torch.tensor([[5.0, 5.0]]))
    assert overlap_share(inner, outer).item() == 1


def test_boxes_of_a_sample_do_not_depend_on_its_batch(draws):
    options = {"scale": (0.2, 0.8), "aspect": (0.8, 1.25)}
    whole = torch.rand(4, 3, generator=torch.Generator().manual_seed(0)) * 20 + 10
    together = draw_boxes(draws(samples=[9, 3, 5, 0]), whole, **options)
    for place, sample in enumerate([9, 3, 5, 0]):
        alone = draw_boxes(draws(samples=[sample]), whole[place : place + 1], **options)
        torch.testing.assert_close(alone.centre[0], together.centre[place])
        torch.testing.assert_close(alone.half[0], together.half[place])
