"""How a plan hides positions: the share over a run, the unit per axis, and what masks look at."""

from dataclasses import replace

import pytest
import torch

from anlage import plugins
from anlage.errors import ShapeError
from anlage.transforms.masking import MaskPlan, Sight
from anlage.transforms.masks import num_hidden
from anlage.transforms.views import Step, ViewPlan, make_views, one_view
from anlage.types import ViewSpec

SPACE = {2: (12, 20), 3: (8, 12, 4)}
MASKED = ViewSpec(num_views=1, is_masked=True)
PLAIN = ViewSpec(num_views=1, intensity=False, is_masked=True)
KINDS = plugins.available("transforms/masks")


def planned(kind="random", *, options=None, **settings):
    plugin = plugins.load("transforms/masks", kind)
    mask = plugin(plugin.Config(**options or {}))
    return MaskPlan(**{"mask": mask, "ratio": 0.5, "unit": 4} | settings)


def step(name, p=1.0, **options):
    plugin = plugins.load("transforms", name)
    return Step(name=name, p=p, transform=plugin(plugin.Config(**options)))


def images_of(dims, count=6):
    """Images of which one side is dark and one bright, with something random in it."""
    images = torch.rand(count, 1, *SPACE[dims], generator=torch.Generator().manual_seed(0))
    images[..., : SPACE[dims][-1] // 2] *= 0.05
    return images


def labels_of(dims, count=6):
    labels = torch.zeros(count, *SPACE[dims], dtype=torch.long)
    for place in range(count):
        labels[place, 2 : 4 + place % 3] = 1
    labels[..., SPACE[dims][-1] // 4 :] = 0
    return labels


def errors_of(images, masks):
    """Errors that know the place: the mean of each position of the image, and more to the end."""
    grid = masks.shape[1:]
    found = torch.arange(masks[0].numel()).reshape(grid) / masks[0].numel()
    return found + images.flatten(1).mean(dim=1).reshape(-1, *[1] * len(grid)) ** 2


@pytest.fixture
def plan(intensities):
    """Make a view plan around a mask plan."""

    def make(masking, dims=2, **options):
        return ViewPlan(
            **{"size": SPACE[dims], "intensities": intensities(), "masking": masking} | options
        )

    return make


@pytest.fixture
def masks_of(draws, crop_batch, plan):
    """Draw the masks of one view of every test image."""

    def make(masking, *, dims=2, spec=PLAIN, samples=None, progress=1.0, view=0, **options):
        rows = range(6) if samples is None else samples
        batch = crop_batch(
            images_of(dims)[list(rows)], label_maps=labels_of(dims)[list(rows)], samples=list(rows)
        )
        views = make_views(
            batch,
            plan(masking, dims, **options),
            spec,
            draws=draws(samples=list(rows), view=view),
            progress=progress,
            errors=errors_of,
        )
        return views.masks[0]

    return make


# --- share and unit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "ramp", "shares"),
    [
        (None, 0.5, [0.6, 0.6, 0.6, 0.6]),
        (0.2, 1.0, [0.2, 0.3, 0.4, 0.6]),
        (0.2, 0.5, [0.2, 0.4, 0.6, 0.6]),
        (0.8, 0.25, [0.8, 0.6, 0.6, 0.6]),
    ],
)
def test_the_share_changes_in_a_straight_line_and_then_stays(start, ramp, shares):
    masking = planned(ratio=0.6, start_ratio=start, ramp=ramp)
    assert [masking.ratio_at(part) for part in (0, 0.25, 0.5, 1)] == pytest.approx(shares)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_every_image_of_a_batch_hides_the_share_of_this_moment(masks_of, kind, progress):
    masking = planned(kind, unit=2, ratio=0.75, start_ratio=0.25, ramp=0.6)
    hidden = masks_of(masking, progress=progress)
    count = num_hidden((6, 10), 0.25 + min(progress / 0.6, 1) * 0.5)
    assert hidden.flatten(1).sum(dim=1).tolist() == [count] * 6


@pytest.mark.parametrize("kind", KINDS)
def test_units_may_differ_between_axes(masks_of, kind):
    hidden = masks_of(planned(kind, unit=(2, 6, 4)), dims=3)
    assert hidden.shape == (6, 4, 2, 1)
    assert hidden.flatten(1).sum(dim=1).tolist() == [4] * 6


# --- what masks look at --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dims", [2, 3])
def test_masks_depend_on_the_image_alone_and_not_on_its_batch(masks_of, kind, dims):
    masking = planned(kind, unit=2)
    steps = (step("flip", 0.5), step("gaussian_noise", 0.5))
    options = {"dims": dims, "spec": MASKED, "steps": steps}
    together = masks_of(masking, **options)
    assert torch.equal(masks_of(masking, **options), together)
    for place in range(6):
        assert torch.equal(masks_of(masking, samples=[place], **options)[0], together[place])
    assert not torch.equal(masks_of(masking, view=1, **options), together)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("foreground", {}),
        ("saliency", {"random_share": 0.0}),
        ("loss", {"random_share": 0.0}),
        ("lesion", {"share": 0.0}),
    ],
)
@pytest.mark.parametrize("dims", [2, 3])
def test_guided_masks_hide_something_else_than_random_ones(masks_of, kind, options, dims):
    guided, random = (
        masks_of(planned(name, unit=2, options=own), dims=dims)
        for name, own in ((kind, options), ("random", {}))
    )
    assert (guided != random).flatten(1).any(dim=1).sum() >= 5


@pytest.mark.parametrize("kind", ["foreground", "saliency"])
@pytest.mark.parametrize("p", [0.5, 1.0])
def test_a_mask_sees_the_view_before_its_intensities_change(masks_of, kind, p):
    masking = planned(kind, unit=2)
    steps = (step("solarize", p), step("gaussian_noise", p, sigma=0.5))
    plain = masks_of(masking, spec=MASKED)
    assert torch.equal(masks_of(masking, spec=MASKED, steps=steps), plain)


def test_images_are_the_same_whatever_mask_looks_at_them(draws, crop_batch, plan):
    batch, steps = crop_batch(images_of(2)), (step("solarize", 0.5), step("gaussian_noise", 0.5))
    seen = [
        make_views(batch, plan(planned(kind), steps=steps), MASKED, draws=draws(6)).images[0]
        for kind in ("random", "foreground", "saliency")
    ]
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


@pytest.mark.parametrize("dims", [2, 3])
def test_label_maps_go_through_the_geometry_of_the_view(draws, crop_batch, plan, dims):
    """After a crop, mirrors and turns, a protected lesion is seen where the view shows it."""
    steps = (step("flip", 0.5), step("rotate", 1.0))
    masking = planned("lesion", unit=2, ratio=0.5, options={"share": 0.0})
    own = plan(masking, dims, steps=steps, crop_scale=(0.5, 0.9))
    batch = crop_batch(images_of(dims), label_maps=labels_of(dims))
    (masks,) = make_views(batch, own, PLAIN, draws=draws(6)).masks
    _, labels = one_view(batch, own, draws=draws(6))
    for axis in range(1, dims + 1):
        masks = masks.repeat_interleave(2, dim=axis)
    assert labels.sum() > 20
    assert not labels[masks].any()
    assert labels_of(dims)[masks].any()  # so the geometry mattered


def test_a_mask_sees_each_view_of_its_own(draws, crop_batch, plan):
    masking = planned("foreground", unit=2, options={"most_hidden": 1.0}, ratio=0.25)
    own = plan(masking, steps=(step("flip", 0.5, axis="lr"),))
    spec = replace(PLAIN, num_views=2)
    views = make_views(crop_batch(images_of(2)), own, spec, draws=draws(6))
    for image, masks in zip(views.images, views.masks, strict=True):
        pixels = masks.repeat_interleave(2, 1).repeat_interleave(2, 2)
        assert image[:, 0][pixels].mean() > 1.7 * image.mean()


# --- errors --------------------------------------------------------------------------------


def sight(**options):
    images = images_of(2)
    return Sight(**{"unit": images, "shown": images} | options)


def test_errors_are_measured_on_the_view_as_it_is_shown_at_the_share_of_this_moment(draws):
    asked = []

    def errors(images, masks):
        asked.append((images, masks))
        return torch.ones(masks.shape)

    masking = planned("loss", unit=4, start_ratio=0.2, ratio=0.6, ramp=1.0)
    shown = torch.rand(6, 1, 12, 20)
    for progress in (0.0, 1.0):
        masking.draw(draws(6), (12, 20), progress=progress, sight=sight(shown=shown, errors=errors))
    assert all(images is shown for images, _ in asked)
    assert [masks.shape for _, masks in asked] == [(6, 3, 5)] * 2
    assert [masks[0].sum() for _, masks in asked] == [3, 9]
    assert len({tuple(mask.flatten().tolist()) for mask in asked[1][1]}) == 6
    free = planned("loss", unit=4, ratio=0.6, options={"random_share": 1.0})
    hidden = free.draw(draws(6), (12, 20), sight=sight(errors=errors))
    assert not torch.equal(hidden, asked[1][1])  # what is measured is not what is hidden then


def test_positions_that_were_to_be_seen_count_as_average(draws):
    """Errors of visible positions are no measurement, whatever they are."""
    masking = planned("loss", options={"random_share": 0.0})

    def measured(elsewhere):
        def errors(images, masks):
            return torch.where(masks, errors_of(images, masks), elsewhere)

        return masking.draw(draws(6), (12, 20), sight=sight(errors=errors))

    assert torch.equal(measured(0.0), measured(1e6))
    assert torch.equal(measured(0.0), measured(float("nan")))

    def one_hard(images, masks):
        return masks * (masks.flatten(1).cumsum(dim=1).reshape(masks.shape) == 1) * 1e9 + 1e-9

    hidden = masking.draw(draws(6), (12, 20), sight=sight(errors=one_hard))
    first_measured = []
    masking.draw(
        draws(6),
        (12, 20),
        sight=sight(errors=lambda _, masks: first_measured.append(masks) or masks.float()),
    )
    hardest = first_measured[0].flatten(1).int().argmax(dim=1)
    assert hidden.flatten(1)[torch.arange(6), hardest].all()


@pytest.mark.parametrize(
    ("kind", "what"), [("foreground", "image"), ("lesion", "labels"), ("loss", "errors")]
)
def test_a_mask_that_is_shown_nothing_is_named(draws, kind, what):
    with pytest.raises(ShapeError, match=f"Mask must be shown the {what} of a view, got none"):
        planned(kind).draw(draws(6), (12, 20))
    if what != "image":
        with pytest.raises(ShapeError, match=what):
            planned(kind).draw(draws(6), (12, 20), sight=sight())
