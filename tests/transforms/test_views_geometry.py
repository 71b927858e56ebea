"""Where the pixels of a view come from, on images that hold their own place in millimetres."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from anlage import plugins
from anlage.transforms._resample import lighten
from anlage.transforms.views import CropBatch, Step, ViewPlan, make_views, one_view
from anlage.types import ViewSpec

SOURCE = {2: (24, 36), 3: (16, 24, 20)}
SPACING = {2: (0.7, 1.9), 3: (2.5, 0.8, 1.3)}
VIEW = {2: (10, 14), 3: (6, 10, 12)}
FAR = 100.0  # mm; stored values are millimetres from the centre of the crop


def places_mm(space, spacing):
    """Return where pixel centres lie, in mm from the centre of the crop, (d, *S)."""
    axes = [
        (torch.arange(edge) - (edge - 1) / 2) * step
        for edge, step in zip(space, spacing, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def coded(crop_batch, dims, count=3, **options):
    """Return crops whose channel a holds the place of each pixel along axis a."""
    places = places_mm(SOURCE[dims], SPACING[dims])
    return crop_batch(places.expand(count, -1, *SOURCE[dims]), spacing=SPACING[dims], **options)


def steps(*names):
    found = []
    for named in names:
        name, _, axis = named.partition(":")
        plugin = plugins.load("transforms", name)
        config = plugin.Config(axis=axis) if axis else plugin.Config()
        found.append(Step(name=f"{name}{axis}", p=0.7, transform=plugin(config)))
    return tuple(found)


def expected_mm(geometry, view):
    """Return the place that the geometry gives for every pixel centre, (B, d, *view)."""
    axes = [(2 * torch.arange(edge) + 1) / edge - 1 for edge in view]
    own = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)  # (*view, d)
    moved = torch.einsum("bij,...j->b...i", geometry[:, :, :-1], own)
    shift = geometry[:, :, -1].reshape(len(geometry), *[1] * len(view), -1)
    return (moved + shift).movedim(-1, 1)


STEPS = {
    "crop": (),
    "flip_lr": ("flip:lr",),
    "flip_ud": ("flip:ud",),
    "rotate": ("rotate",),
    "quarter_turn": ("quarter_turn",),
    "all": ("rotate", "quarter_turn", "flip:lr", "flip:ud"),
    "turned first": ("flip:ud", "quarter_turn", "rotate"),
}


@pytest.mark.parametrize("names", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("dims", [2, 3])
def test_the_geometry_says_where_every_pixel_came_from(draws, crop_batch, intensities, dims, names):
    plan = ViewPlan(
        size=VIEW[dims],
        intensities=intensities(dims, low=-FAR, high=FAR),
        crop_scale=(0.3, 0.9),
        crop_aspect=(0.7, 1.4),
        steps=steps(*names),
    )
    batch = coded(crop_batch, dims, 16)
    views = make_views(batch, plan, ViewSpec(num_views=2, min_overlap=0.2), draws=draws(16))
    # Where the view looks beyond the outermost pixel centres, the border is repeated instead.
    light = lighten(batch.images, VIEW[dims], 0.3 ** (1 / dims))
    reach = light.abs().amax(dim=(0, *range(2, 2 + dims))).reshape(-1, *[1] * dims)
    for image, geometry in zip(views.images, views.geometry, strict=True):
        seen = image * (2 * FAR) - FAR
        expected = expected_mm(geometry, VIEW[dims]).clamp(-reach, reach)
        torch.testing.assert_close(seen, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_two_views_of_one_place_agree_about_it(draws, crop_batch, intensities, dims):
    """What a dense method does: map a place of one view into the other and compare there."""
    plan = ViewPlan(
        size=VIEW[dims],
        intensities=intensities(dims, low=-FAR, high=FAR),
        crop_scale=(0.4, 0.9),
        steps=steps("quarter_turn", "flip:lr"),
    )
    batch = coded(crop_batch, dims, 8)
    views = make_views(batch, plan, ViewSpec(num_views=2, min_overlap=0.5), draws=draws(8))
    here, there = (geometry.double() for geometry in views.geometry)
    random = torch.Generator().manual_seed(0)
    own = torch.rand(200, dims, dtype=torch.float64, generator=random) * 1.6 - 0.8
    mm = own @ here[:, :, :-1].mT + here[:, None, :, -1]
    other = torch.linalg.solve(there[:, :, :-1], (mm - there[:, None, :, -1]).mT).mT
    inside = (other.abs() < 0.8).all(dim=-1)
    assert inside.double().mean() > 0.2
    seen = [read(image, places) for image, places in zip(views.images, (own, other), strict=True)]
    torch.testing.assert_close(seen[0][inside], seen[1][inside], atol=0.5 / FAR, rtol=0)


def read(image, places):
    """Return view values at places, in their own coordinates, by scipy, (B, L, C)."""
    edges = np.array(image.shape[2:])
    found = []
    for place in range(len(image)):
        own = places if places.ndim == 2 else places[place]
        index = ((own.numpy() + 1) * edges - 1) / 2
        found.append(
            np.stack(
                [
                    ndimage.map_coordinates(channel.numpy(), index.T, order=1, mode="nearest")
                    for channel in image[place]
                ],
                axis=-1,
            )
        )
    return torch.from_numpy(np.stack(found))


@pytest.mark.parametrize("dims", [2, 3])
def test_the_whole_crop_at_its_own_size_is_the_crop(crop_batch, intensities, dims):
    labels = torch.randint(0, 5, (3, *SOURCE[dims]))
    batch = coded(crop_batch, dims, label_maps=labels)
    plan = ViewPlan(size=SOURCE[dims], intensities=intensities(dims, low=-FAR, high=FAR))
    images, seen = one_view(batch, plan, draws=None)
    torch.testing.assert_close(images * 2 * FAR - FAR, batch.images, atol=1e-3, rtol=0)
    assert torch.equal(seen, labels)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_whole_crop_at_half_its_size_is_the_mean_of_blocks(crop_batch, intensities, dims):
    images = torch.rand(2, 1, *SOURCE[dims])
    half = tuple(edge // 2 for edge in SOURCE[dims])
    blocks = images.reshape(2, 1, *[part for edge in half for part in (edge, 2)])
    seen, _ = one_view(
        crop_batch(images), ViewPlan(size=half, intensities=intensities()), draws=None
    )
    torch.testing.assert_close(seen, blocks.mean(dim=tuple(range(3, 3 + 2 * dims, 2))))


FLIPS = [(2, "lr", 3), (2, "ud", 2), (3, "lr", 2), (3, "ap", 3), (3, "ud", 4)]


@pytest.mark.parametrize(("dims", "name", "axis"), FLIPS)
def test_flips_reverse_the_anatomical_axis(draws, crop_batch, intensities, dims, name, axis):
    """Rows run down and columns right in 2D; indices grow to right, front and top in 3D."""
    images = torch.rand(2, 1, *SOURCE[dims])
    flip = plugins.load("transforms", "flip")
    step = Step(name="flip", p=1.0, transform=flip(flip.Config(axis=name)))
    plan = ViewPlan(size=SOURCE[dims], intensities=intensities(), steps=(step,))
    views = make_views(crop_batch(images), plan, ViewSpec(num_views=1), draws=draws(2))
    torch.testing.assert_close(views.images[0], images.flip(axis), atol=2e-5, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_quarter_turns_equal_rot90_also_of_crops_that_are_not_square(
    draws, crop_batch, intensities, dims
):
    images = torch.rand(12, 1, *SOURCE[dims])
    swapped = (SOURCE[dims][1], SOURCE[dims][0], *SOURCE[dims][2:])
    turn = plugins.load("transforms", "quarter_turn")()
    step = Step(name="turn", p=1.0, transform=turn)
    turns = turn.draw(draws(12).within("turn"), dims=dims)["turns"].long().tolist()
    assert set(turns) == {0, 1, 2, 3}
    for size, parity in ((SOURCE[dims], 0), (swapped, 1)):
        plan = ViewPlan(size=size, intensities=intensities(), steps=(step,))
        views = make_views(crop_batch(images), plan, ViewSpec(num_views=1), draws=draws(12))
        for place, number in enumerate(turns):
            if number % 2 == parity:
                expected = torch.rot90(images[place], -number, dims=(1, 2))
                torch.testing.assert_close(views.images[0][place], expected, atol=3e-5, rtol=0)


def test_a_quarter_turn_of_a_box_stays_inside_the_source(draws, crop_batch, intensities):
    plan = ViewPlan(
        size=(8, 8), intensities=intensities(2), crop_scale=(0.9, 1.0), steps=steps("quarter_turn")
    )
    batch = coded(crop_batch, 2, 64)
    (geometry,) = make_views(batch, plan, ViewSpec(num_views=1), draws=draws(64)).geometry
    reach = geometry[:, :, :-1].abs().sum(dim=2) + geometry[:, :, -1].abs()
    half = torch.tensor(SPACING[2]) * torch.tensor(SOURCE[2]) / 2
    assert (reach <= half * (1 + 1e-5)).all()


@pytest.mark.parametrize("dims", [2, 3])
def test_label_maps_travel_with_their_image_by_nearest_neighbour(
    draws, crop_batch, intensities, dims
):
    """Every pixel has a label of its own, so a label says which source pixel was taken."""
    labels = torch.arange(1, 1 + np.prod(SOURCE[dims])).reshape(1, *SOURCE[dims])
    batch = coded(crop_batch, dims, 16, label_maps=labels.expand(16, *SOURCE[dims]))
    plan = ViewPlan(
        size=tuple(edge // 2 + 1 for edge in SOURCE[dims]),
        intensities=intensities(dims, low=-FAR, high=FAR),
        crop_scale=(0.5, 0.9),
        steps=steps("rotate", "flip:lr", "flip:ud"),
    )
    images, seen = one_view(batch, plan, draws=draws(16))
    mm = images * 2 * FAR - FAR
    where = np.unravel_index((seen - 1).clamp_min(0).numpy(), SOURCE[dims])
    for axis in range(dims):
        step = SPACING[dims][axis]
        index = mm[:, axis] / step + (SOURCE[dims][axis] - 1) / 2
        gap = (index - torch.from_numpy(where[axis])).abs()[seen > 0]
        assert gap.max() <= 0.5 + 0.01
    assert (seen > 0).double().mean() > 0.9
    assert (seen == 0).any()  # a rotated view looks beyond its crop, where nothing is labelled


def test_spacing_keeps_rotations_free_of_shear(draws, crop_batch, intensities):
    """Two directions at right angles in a view stay so in millimetres, whatever the voxels."""
    plan = ViewPlan(size=(9, 9, 9), intensities=intensities(3), steps=steps("rotate"))
    (geometry,) = make_views(
        coded(crop_batch, 3, 8), plan, ViewSpec(num_views=1), draws=draws(8)
    ).geometry
    half = torch.tensor(SPACING[3]) * torch.tensor(SOURCE[3]) / 2
    turn = geometry[:, :, :-1] / half
    torch.testing.assert_close(turn.mT @ turn, torch.eye(3).expand(8, 3, 3), atol=1e-5, rtol=0)
    assert (turn - torch.eye(3)).abs().amax() > 0.01


def test_each_image_of_a_batch_uses_its_own_spacing(draws, intensities):
    images = torch.rand(2, 1, 10, 12)
    batch = CropBatch(
        images=images,
        label_maps=None,
        spacing_mm=torch.tensor([[1.0, 2.0], [3.0, 0.5]]),
        sample=torch.arange(2),
        patient=torch.arange(2),
    )
    plan = ViewPlan(size=(10, 12), intensities=intensities())
    (geometry,) = make_views(batch, plan, ViewSpec(num_views=1), draws=draws(2)).geometry
    halves = torch.tensor([[5.0, 12.0], [15.0, 3.0]])
    torch.testing.assert_close(geometry[:, :, :-1], torch.diag_embed(halves))
    torch.testing.assert_close(geometry[:, :, -1], torch.zeros(2, 2))
