"""The steps of a plan: how often they happen, in which order, and in which range they stay."""

import pytest
import torch

from anlage import plugins
from anlage.transforms.views import Step
from anlage.types import ViewSpec

SPACE = {2: (12, 20), 3: (8, 12, 10)}


def step(name, p=1.0, label=None, **options):
    plugin = plugins.load("transforms", name)
    return Step(name=label or name, p=p, transform=plugin(plugin.Config(**options)))


INTENSITY = ("gamma", "gaussian_noise", "brightness_contrast", "solarize", "bias_field")


@pytest.mark.parametrize("name", [*INTENSITY, "flip", "rotate"])
def test_a_step_happens_as_often_as_its_probability_says(plan, view, name):
    plain = view(plan()).images[0]
    assert torch.equal(view(plan(steps=(step(name, 0.0),))).images[0], plain)
    always = view(plan(steps=(step(name, 1.0),))).images[0]
    assert (always != plain).flatten(1).any(dim=1).all()
    given = torch.rand(400, 1, *SPACE[2])
    sometimes = view(plan(steps=(step(name, 0.3),)), given=given).images[0]
    whole = view(plan(steps=(step(name, 1.0),)), given=given).images[0]
    changed = (sometimes != view(plan(), given=given).images[0]).flatten(1).any(dim=1)
    assert 0.2 < changed.float().mean() < 0.4
    torch.testing.assert_close(sometimes[changed], whole[changed], atol=1e-5, rtol=0)


def test_steps_happen_independently_of_each_other(plan, view):
    given = torch.rand(400, 1, *SPACE[2])
    plain = view(plan(), given=given).images[0]
    happened = []
    for name in ("gamma", "solarize"):
        seen = view(plan(steps=(step(name, 0.5),)), given=given).images[0]
        happened.append((seen != plain).flatten(1).any(dim=1).float())
    both = (happened[0] * happened[1]).mean()
    assert abs(both - 0.25) < 0.1


def test_intensity_steps_are_left_out_where_the_method_wants_geometry_alone(plan, view):
    spatial, tonal = step("flip"), step("solarize")
    spec = ViewSpec(num_views=1, intensity=False)
    seen = view(plan(steps=(spatial, tonal)), spec=spec).images[0]
    assert torch.equal(seen, view(plan(steps=(spatial,))).images[0])
    assert not torch.equal(seen, view(plan(steps=(spatial, tonal))).images[0])


def test_intensity_steps_are_made_in_the_order_of_the_plan(plan, view):
    solarize, gamma = step("solarize"), step("gamma", power=3.0)
    first = view(plan(steps=(solarize, gamma))).images[0]
    second = view(plan(steps=(gamma, solarize))).images[0]
    assert (first - second).abs().max() > 0.1


def test_spatial_steps_are_made_in_the_order_of_the_plan(plan, view, draws):
    """A view of a view: the last step is looked through first, so its matrix stands last."""
    flip, rotate = step("flip"), step("rotate", degrees=40.0)
    mirror, turn = (
        one.transform.matrix(one.transform.draw(draws(6).within(one.name), dims=2), dims=2)
        for one in (flip, rotate)
    )
    half = torch.tensor(SPACE[2]) / 2
    for steps, expected in (((flip, rotate), mirror @ turn), ((rotate, flip), turn @ mirror)):
        (geometry,) = view(plan(steps=steps)).geometry
        torch.testing.assert_close(geometry[:, :, :-1] / half, expected)
    assert (mirror @ turn - turn @ mirror).abs().amax() > 0.1


def test_two_steps_of_one_transform_draw_numbers_of_their_own(plan, view):
    once = view(plan(steps=(step("gaussian_noise", label="a"),))).images[0]
    other = view(plan(steps=(step("gaussian_noise", label="b"),))).images[0]
    assert (once - other).abs().max() > 0.01


@pytest.mark.parametrize("dims", [2, 3])
def test_views_stay_in_the_calibrated_range(plan, view, dims):
    """Before standardising, whatever is done to them: so an encoder never sees new values."""
    strong = (
        step("brightness_contrast", brightness=0.9, contrast=0.9),
        step("gaussian_noise", sigma=0.9),
        step("bias_field", coefficient=2.0),
    )
    seen = view(plan(dims, steps=strong), dims=dims).images[0]
    assert 0 <= seen.min() < 0.01
    assert 0.99 < seen.max() <= 1


def test_values_are_clipped_after_every_step(plan, view):
    bright = step("brightness_contrast", brightness=0.5, contrast=0.0, label="up")
    images = torch.full((20, 1, *SPACE[2]), 0.9)
    seen = view(plan(steps=(bright, step("solarize", threshold=1.0))), given=images).images[0]
    raised = view(plan(steps=(bright,)), given=images).images[0]
    assert raised.max() == 1
    assert raised.min() < 0.9
    torch.testing.assert_close(seen, torch.where(raised >= 1, 1 - raised, raised))
