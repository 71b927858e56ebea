"""Views of bent crops: one resampling, exact geometry, labels that follow, millimetres."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from anlage import plugins
from anlage.transforms.draws import Draws
from anlage.transforms.views import Step, ViewPlan, make_views, one_view
from anlage.types import ViewSpec

SOURCE = {2: (36, 60), 3: (20, 32, 26)}
SPACING = {2: (1.9, 0.7), 3: (2.5, 0.8, 1.3)}
VIEW = {2: (30, 41), 3: (16, 20, 24)}
FAR = 100.0  # mm; stored values are millimetres from the centre of the crop
BEND = {"displacement_mm": 4.0, "spacing_mm": 12.0}


def step(name, p=1.0, **options):
    plugin = plugins.load("transforms", name)
    return Step(name=name, p=p, transform=plugin(plugin.Config(**options)))


def coded(crop_batch, dims, count=3, **options):
    """Return crops whose channel a holds the place of each pixel along axis a."""
    axes = [
        (torch.arange(edge) - (edge - 1) / 2) * width
        for edge, width in zip(SOURCE[dims], SPACING[dims], strict=True)
    ]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return crop_batch(places.expand(count, -1, *SOURCE[dims]), spacing=SPACING[dims], **options)


def own_places(view):
    axes = [(2 * torch.arange(edge) + 1) / edge - 1 for edge in view]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def places_mm(geometry, view):
    """Return where the geometry says that every pixel lies, (B, d, *view)."""
    moved = torch.einsum("bij,...j->b...i", geometry[:, :, :-1], own_places(view))
    shift = geometry[:, :, -1].reshape(len(geometry), *[1] * len(view), -1)
    return (moved + shift).movedim(-1, 1)


def moves_at(draws, places, half):
    """Return the displacement of places in mm, by scipy from the drawn one, (B, d, *view)."""
    elastic = step("elastic", **BEND).transform
    params = elastic.draw(draws.within("elastic"), dims=len(half))
    half_mm = torch.tensor(half).expand(len(places), -1)
    moves = elastic.displacement(params, half_mm=half_mm).numpy()
    found = []
    for own, image in zip(moves, places.numpy(), strict=True):
        unit = image / np.array(half).reshape(-1, *[1] * len(half))
        index = ((unit + 1) * own.shape[1] - 1) / 2
        found.append(
            [ndimage.map_coordinates(axis, index, order=1, mode="nearest") for axis in own]
        )
    return torch.from_numpy(np.array(found))


def bent_plan(intensities, dims, *more, p=1.0, **options):
    return ViewPlan(
        size=VIEW[dims],
        intensities=intensities(dims, low=-FAR, high=FAR),
        steps=(*more, step("elastic", p, **BEND)),
        **options,
    )


@pytest.mark.parametrize("dims", [2, 3])
def test_a_pixel_shows_its_place_plus_the_displacement_there(draws, crop_batch, intensities, dims):
    plan = bent_plan(
        intensities, dims, step("rotate"), step("flip"), step("affine"), crop_scale=(0.5, 0.8)
    )
    batch = coded(crop_batch, dims)
    views = make_views(batch, plan, ViewSpec(num_views=2), draws=draws(3))
    half = [edge * width / 2 for edge, width in zip(SOURCE[dims], SPACING[dims], strict=True)]
    reach = batch.images.abs().amax(dim=(0, *range(2, 2 + dims))).reshape(-1, *[1] * dims)
    for image, geometry in zip(views.images, views.geometry, strict=True):
        places = places_mm(geometry, VIEW[dims])
        moves = moves_at(draws(3), places, half)
        seen = image * (2 * FAR) - FAR
        torch.testing.assert_close(seen, (places + moves).clamp(-reach, reach), atol=5e-3, rtol=0)
        assert moves.abs().max() > 1


@pytest.mark.parametrize("dims", [2, 3])
def test_two_views_of_one_place_agree_about_it(draws, crop_batch, intensities, dims):
    """What a dense method does: map a place of one view into the other and compare there."""
    plan = bent_plan(intensities, dims, step("rotate", degrees=30), crop_scale=(0.5, 0.9))
    spec = ViewSpec(num_views=2, min_overlap=0.5)
    views = make_views(coded(crop_batch, dims, 4), plan, spec, draws=draws(4))
    here, there = (geometry.double() for geometry in views.geometry)
    random = torch.Generator().manual_seed(0)
    own = torch.rand(300, dims, dtype=torch.float64, generator=random) * 1.6 - 0.8
    mm = own @ here[:, :, :-1].mT + here[:, None, :, -1]
    other = torch.linalg.solve(there[:, :, :-1], (mm - there[:, None, :, -1]).mT).mT
    is_inside = (other.abs() < 0.8).all(dim=-1)
    assert is_inside.double().mean() > 0.2
    seen = []
    for image, places in zip(views.images, (own.expand(4, -1, -1), other), strict=True):
        grid = places.float().flip(-1).reshape(4, -1, *[1] * (dims - 1), dims)
        read = torch.nn.functional.grid_sample(image, grid, align_corners=False)
        seen.append(read.flatten(2).mT)
    difference = (seen[0] - seen[1])[is_inside] * 2 * FAR
    assert difference.abs().max() < 0.6  # mm; pixels are that wide, and the bend is curved
    assert difference.abs().mean() < 0.05


@pytest.mark.parametrize("dims", [2, 3])
def test_labels_are_bent_with_the_image_and_keep_their_values(draws, crop_batch, intensities, dims):
    axes = np.meshgrid(*(np.arange(edge) // 6 for edge in SOURCE[dims]), indexing="ij")
    blocks = torch.from_numpy(5 * (sum(axes) % 3))  # 0, 5 and 10
    batch = crop_batch(
        (blocks / 10.0).expand(2, 1, *SOURCE[dims]),
        spacing=SPACING[dims],
        label_maps=blocks.expand(2, *SOURCE[dims]),
    )
    plan = ViewPlan(
        size=SOURCE[dims],
        intensities=intensities(),
        crop_scale=(0.6, 0.8),
        steps=(step("elastic", displacement_mm=2.0, spacing_mm=12.0),),
    )
    image, labels = one_view(batch, plan, draws=draws(2))
    assert set(labels.unique().tolist()) == {0, 5, 10}
    is_sure = torch.stack([(image[:, 0] * 10 - value).abs() < 1e-3 for value in (0, 5, 10)]).any(0)
    is_inside = labels > 0
    both = is_sure & is_inside
    assert both.double().mean() > 0.2
    is_same = (labels[both] - image[:, 0][both] * 10).abs() < 1e-2
    assert is_same.double().mean() > 0.999  # between 0 and 10 an image passes through 5


@pytest.mark.parametrize("dims", [2, 3])
def test_a_bent_view_does_not_depend_on_its_batch_and_some_stay_straight(
    draws, crop_batch, intensities, dims
):
    samples = [4, 9, 2, 7, 1, 0]
    batch, plan = coded(crop_batch, dims, 6), bent_plan(intensities, dims, p=0.5)
    straight = bent_plan(intensities, dims, p=0.0)
    spec = ViewSpec(num_views=2)
    together = make_views(batch, plan, spec, draws=draws(samples=samples))
    plain = make_views(batch, straight, spec, draws=draws(samples=samples))
    backwards = make_views(batch, plan, spec, draws=draws(samples=samples[::-1]))
    is_bent = (together.images[0] != plain.images[0]).flatten(1).any(dim=1)
    own = draws(samples=samples).within("elastic").happens("happens", 0.5)
    assert torch.equal(is_bent, own)
    assert 0 < is_bent.sum() < 6
    for number in range(2):
        torch.testing.assert_close(backwards.images[number].flip(0), together.images[number])
        assert torch.equal(together.geometry[number], plain.geometry[number])
    for place in (0, 3):
        alone = make_views(
            coded(crop_batch, dims, 1), plan, spec, draws=draws(samples=[samples[place]])
        )
        torch.testing.assert_close(alone.images[1][0], together.images[1][place], atol=1e-5, rtol=0)


def test_two_bends_are_made_one_after_the_other(draws, crop_batch, intensities):
    batch, once = coded(crop_batch, 2), bent_plan(intensities, 2)
    again = Step(name="again", p=1.0, transform=once.steps[0].transform)
    twice = ViewPlan(size=VIEW[2], intensities=once.intensities, steps=(*once.steps, again))
    first, second = (
        make_views(batch, plan, ViewSpec(num_views=1), draws=draws(3)).images[0] * 2 * FAR - FAR
        for plan in (once, twice)
    )
    assert ((first - second).abs().flatten(1).amax(dim=1) > 1).all()


def test_evaluation_is_never_bent(crop_batch, intensities):
    batch, plan = coded(crop_batch, 2), bent_plan(intensities, 2)
    straight = ViewPlan(size=VIEW[2], intensities=plan.intensities)
    seen, expected = (one_view(batch, one, draws=None)[0] for one in (plan, straight))
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_motion_moves_by_millimetres_of_the_view(draws, crop_batch, intensities, dims):
    """The same pixels with other spacing move otherwise, as the transform itself does."""
    images = torch.rand(2, 1, *VIEW[dims])
    motion = step("motion", degrees=20, translation_mm=6)
    plan = ViewPlan(
        size=VIEW[dims],
        intensities=intensities(),
        crop_scale=(0.4, 0.6),
        steps=(step("rotate"), motion),
    )
    plain = ViewPlan(
        size=VIEW[dims], intensities=intensities(), crop_scale=(0.4, 0.6), steps=plan.steps[:1]
    )
    for spacing in (SPACING[dims], SPACING[dims][::-1]):
        batch = crop_batch(images, spacing=spacing)
        (moved,) = make_views(batch, plan, ViewSpec(num_views=1), draws=draws(2)).images
        still = make_views(batch, plain, ViewSpec(num_views=1), draws=draws(2))
        own: Draws = draws(2).within("motion")
        params = motion.transform.draw(own, shape=still.images[0].shape)
        edges = 2 * still.geometry[0][:, :, :-1].square().sum(dim=1).sqrt()
        params["spacing_mm"] = edges / torch.tensor(VIEW[dims])
        expected = motion.transform.apply(still.images[0], params).clamp(0, 1)
        torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)
        assert (moved - still.images[0]).abs().max() > 0.05
