"""What the view maker does with a plan. Its steps and its geometry are tested beside this file."""

from dataclasses import replace

import pytest
import torch

from anlage import plugins
from anlage.transforms.crop import Boxes, overlap_share
from anlage.transforms.views import Intensities, MaskPlan, Step, make_views, one_view
from anlage.types import ViewSpec

SPACE = {2: (12, 20), 3: (8, 12, 10)}
ONE = ViewSpec(num_views=1)


def step(name, p=1.0, label=None, **options):
    plugin = plugins.load("transforms", name)
    return Step(name=label or name, p=p, transform=plugin(plugin.Config(**options)))


def masking(ratio=0.5, unit=2, kind="random"):
    plugin = plugins.load("transforms/masks", kind)
    return MaskPlan(mask=plugin(), ratio=ratio, unit=unit)


# --- intensities ---------------------------------------------------------------------------


def test_stored_values_become_the_unit_interval_and_are_clipped():
    hu = torch.tensor([[[[-1024, -500, 0, 500, 3071]]]], dtype=torch.int16)
    window = Intensities(low=-500.0, high=500.0, mean=(0.0,), std=(1.0,))
    unit = window.to_unit(hu)
    assert unit.dtype == torch.float32
    assert unit.flatten().tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert hu.flatten().tolist() == [-1024, -500, 0, 500, 3071]


def test_float_values_are_not_changed_in_place():
    stored = torch.tensor([[[[-2.0, 0.5, 7.0]]]])
    Intensities(low=0.0, high=5.0, mean=(0.0,), std=(1.0,)).to_unit(stored)
    assert stored.flatten().tolist() == [-2.0, 0.5, 7.0]


@pytest.mark.parametrize("dims", [2, 3])
def test_each_channel_is_standardised_by_its_own_numbers(dims, images_of):
    unit = images_of(dims, channels=2)
    both = Intensities(low=0.0, high=1.0, mean=(0.2, 0.6), std=(0.5, 0.1))
    seen = both.standardise(unit)
    torch.testing.assert_close(seen[:, 0], (unit[:, 0] - 0.2) / 0.5)
    torch.testing.assert_close(seen[:, 1], (unit[:, 1] - 0.6) / 0.1)


def test_views_are_scaled_then_standardised(plan, view):
    window = Intensities(low=-1000.0, high=400.0, mean=(0.3,), std=(0.2,))
    hu = torch.randint(-1024, 3071, (2, 1, *SPACE[2]), dtype=torch.int16)
    views = view(plan(intensities=window), given=hu)
    expected = (((hu.float() + 1000) / 1400).clamp(0, 1) - 0.3) / 0.2
    torch.testing.assert_close(views.images[0], expected, atol=1e-4, rtol=0)


# --- which views, for whom -----------------------------------------------------------------


@pytest.mark.parametrize("num_views", [1, 2, 4])
def test_as_many_views_as_asked_all_different(plan, view, num_views):
    views = view(plan(crop_scale=(0.3, 0.6)), spec=ViewSpec(num_views=num_views))
    assert len(views.images) == len(views.geometry) == num_views
    for first in range(num_views):
        for second in range(first):
            assert (views.images[first] != views.images[second]).flatten(1).any(dim=1).all()


def test_views_say_whose_they_are(plan, draws, crop_batch, images_of):
    batch = crop_batch(images_of(2), samples=[4, 9, 2, 7, 1, 0])
    views = make_views(batch, plan(), ONE, draws=draws(6))
    assert torch.equal(views.sample, batch.sample)
    assert torch.equal(views.patient, batch.patient)


def everything(plan, dims):
    return plan(
        dims,
        size=tuple(edge // 2 for edge in SPACE[dims]),
        crop_scale=(0.4, 0.9),
        steps=(
            step("rotate", 0.6),
            step("flip", 0.5),
            step("gamma", 0.5),
            step("gaussian_noise", 0.6),
            step("gaussian_blur", 0.4),
            step("bias_field", 0.5),
            step("brightness_contrast", 0.7),
            step("speckle", 0.5),
        ),
        masking=masking(unit=1),
    )


@pytest.mark.parametrize("dims", [2, 3])
def test_a_view_does_not_depend_on_its_batch(plan, draws, crop_batch, dims, images_of):
    spec = ViewSpec(num_views=2, is_masked=True, min_overlap=0.3)
    images, samples = images_of(dims), [4, 9, 2, 7, 1, 0]
    full = everything(plan, dims)
    together = make_views(crop_batch(images), full, spec, draws=draws(samples=samples))
    for place in range(6):
        own = crop_batch(images[place : place + 1])
        alone = make_views(own, full, spec, draws=draws(samples=samples[place : place + 1]))
        for number in range(2):
            torch.testing.assert_close(
                alone.images[number][0], together.images[number][place], atol=1e-5, rtol=0
            )
            torch.testing.assert_close(alone.geometry[number][0], together.geometry[number][place])
            assert torch.equal(alone.masks[number][0], together.masks[number][place])


@pytest.mark.parametrize("dims", [2, 3])
def test_the_same_draws_make_the_same_views_and_others_make_others(plan, view, dims):
    full = everything(plan, dims)
    spec = ViewSpec(num_views=2, is_masked=True)
    first, again, later = (view(full, dims=dims, spec=spec, epoch=epoch) for epoch in (0, 0, 1))
    for number in range(2):
        assert torch.equal(first.images[number], again.images[number])
        assert torch.equal(first.masks[number], again.masks[number])
        assert not torch.equal(first.images[number], later.images[number])
        assert not torch.equal(first.masks[number], later.masks[number])


def test_views_are_numbered_from_the_draws_own_view(plan, view):
    full = everything(plan, 2)
    two = view(full, spec=ViewSpec(num_views=2))
    second = view(full, spec=ViewSpec(num_views=1), view=1)
    assert torch.equal(two.images[1], second.images[0])


def test_the_first_view_is_the_labelled_view_of_the_same_draws(plan, draws, crop_batch, images_of):
    full = everything(plan, 2)
    batch = crop_batch(images_of(2))
    image, labels = one_view(batch, full, draws=draws(6))
    assert labels is None
    assert torch.equal(image, make_views(batch, full, ONE, draws=draws(6)).images[0])


def test_without_draws_nothing_is_changed(plan, crop_batch, images_of):
    batch = crop_batch(images_of(2))
    image, _ = one_view(batch, plan(steps=(step("flip"), step("solarize"))), draws=None)
    torch.testing.assert_close(image, batch.images, atol=1e-5, rtol=0)


def test_crops_are_not_changed_in_place(plan, draws, crop_batch, images_of):
    images, labels = images_of(2), torch.randint(0, 3, (6, *SPACE[2]))
    before = images.clone(), labels.clone()
    batch = crop_batch(images, label_maps=labels)
    make_views(batch, everything(plan, 2), ViewSpec(), draws=draws(6))
    one_view(batch, everything(plan, 2), draws=draws(6))
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])


def test_views_are_made_in_full_precision_under_autocast(plan, view):
    full = everything(plan, 3)
    plain = view(full, dims=3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = view(full, dims=3)
    assert cast.images[0].dtype == torch.float32
    assert torch.equal(cast.images[0], plain.images[0])
    assert torch.equal(cast.geometry[0], plain.geometry[0])


# --- crops ---------------------------------------------------------------------------------


def boxes_of(geometry):
    return Boxes(centre=geometry[:, :, -1], half=geometry[:, :, :-1].diagonal(dim1=1, dim2=2))


def test_the_crop_scale_of_the_plan_is_kept(plan, view):
    (geometry,) = view(plan(crop_scale=(0.2, 0.4)), given=torch.rand(200, 1, *SPACE[2])).geometry
    area = (2 * boxes_of(geometry).half).prod(dim=1) / (12 * 20)
    assert 0.2 <= area.min() < 0.22
    assert 0.38 < area.max() <= 0.4 + 1e-5


def test_the_crop_aspect_of_the_plan_is_kept(plan, view):
    given = torch.rand(200, 1, *SPACE[2])
    options = {"crop_scale": (0.3, 0.4)}
    for aspect, least, most in (((1.0, 1.0), 1.0, 1.0), ((0.5, 2.0), 0.6, 1.7)):
        (geometry,) = view(plan(crop_aspect=aspect, **options), given=given).geometry
        half = boxes_of(geometry).half
        ratio = (half[:, 0] / 12) / (half[:, 1] / 20)
        assert ratio.min() <= least + 1e-5
        assert ratio.max() >= most - 1e-5


def test_partners_overlap_as_the_method_asks(plan, view):
    given = torch.rand(100, 1, *SPACE[2])
    small = plan(crop_scale=(0.1, 0.3))
    for least in (0.0, 0.7):
        views = view(small, spec=ViewSpec(num_views=3, min_overlap=least), given=given)
        first, *others = (boxes_of(geometry) for geometry in views.geometry)
        for other in others:
            reached = overlap_share(first, other).min() + 1e-3 >= 0.7
            assert reached.item() is (least > 0)


# --- masks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("kind", ["random", "block"])
def test_every_view_has_masks_of_its_own_with_the_exact_ratio(plan, view, dims, kind):
    full = plan(dims, masking=masking(ratio=0.4, unit=2, kind=kind))
    views = view(full, dims=dims, spec=ViewSpec(num_views=2, is_masked=True))
    grid = tuple(edge // 2 for edge in SPACE[dims])
    positions = torch.tensor(grid).prod().item()
    for masks in views.masks:
        assert masks.dtype == torch.bool
        assert masks.shape == (6, *grid)
        assert masks.flatten(1).sum(dim=1).tolist() == [round(0.4 * positions)] * 6
    assert not torch.equal(*views.masks)


def test_no_masks_where_the_method_asks_for_none(plan, view):
    assert view(plan(masking=masking()), spec=ViewSpec(num_views=2)).masks == ()


def test_ratio_and_unit_change_the_masks(plan, view):
    spec = ViewSpec(num_views=1, is_masked=True)
    of = [
        view(plan(masking=masking(ratio=ratio, unit=unit)), spec=spec).masks[0]
        for ratio, unit in ((0.5, 2), (0.75, 2), (0.5, 4))
    ]
    assert of[0].shape == of[1].shape == (6, 6, 10)
    assert of[2].shape == (6, 3, 5)
    assert [mask[0].sum().item() for mask in of] == [30, 45, round(7.5)]


def test_masks_and_crops_do_not_share_numbers(plan, view):
    """Masking must not change which part of an image is shown."""
    base = plan(crop_scale=(0.3, 0.6))
    masked = replace(base, masking=masking())
    first = view(base, spec=ViewSpec(num_views=2))
    second = view(masked, spec=ViewSpec(num_views=2, is_masked=True))
    assert torch.equal(first.images[1], second.images[1])
