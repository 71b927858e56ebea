"""Every policy makes working views for every method, and none that its task cannot bear."""

import math

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import NEEDS, Policy
from anlage.modalities._plan import _say_once
from anlage.transforms import SpatialTransform
from anlage.transforms.draws import Draws
from anlage.types import TaskProfile, ViewSpec

MODALITIES = plugins.available("modalities")
POLICIES: dict[str, Policy] = {name: plugins.load("modalities", name) for name in MODALITIES}
SIZE = {2: (16, 24), 3: (8, 16, 24)}  # as plan_of makes them

SPECS = {
    "contrastive": ViewSpec(num_views=2, min_overlap=0.25),
    "masked": ViewSpec(num_views=1, intensity=False, is_masked=True, mask_ratio=0.6),
    "tokens": ViewSpec(num_views=1, is_masked=True, mask_unit=4),
    "hybrid": ViewSpec(num_views=2, is_masked=True, min_overlap=0.5),
    "labelled": ViewSpec(num_views=1),
    "many": ViewSpec(num_views=4),
}

SIDED = TaskProfile(task="t", signal="global", label_changing={"flip_lr": "the label has a side"})
every = pytest.mark.parametrize("name", MODALITIES)

in_its_dims = pytest.mark.parametrize(
    ("name", "dims"), [(name, dims) for name, policy in POLICIES.items() for dims in policy.dims]
)

grey_and_colour = pytest.mark.parametrize("channels", [1, 3])

AVOIDED = [
    (name, view)
    for name, policy in POLICIES.items()
    for view, rule in policy.views.items()
    if rule.level == "avoid"
]


@in_its_dims
@grey_and_colour
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_method_gets_finite_views_in_the_calibrated_range(
    name, dims, channels, spec, plan_of, views_of
):
    plan = plan_of(
        name, dims=dims, channels=channels, spec=spec, patch=4 if spec.mask_unit else None
    )
    views = views_of(name, plan, spec, dims=dims, channels=channels)
    assert len(views.images) == len(views.geometry) == spec.num_views
    assert len(views.masks) == (spec.num_views if spec.is_masked else 0)
    for image in views.images:
        assert image.shape == (4, channels, *SIZE[dims])
        assert image.dtype == torch.float32
        unit = image * 0.2 + 0.4
        assert unit.isfinite().all()
        assert -1e-5 <= unit.min() < unit.max() <= 1 + 1e-5
    ratio = spec.mask_ratio or POLICIES[name].corruption.ratio
    for masks in views.masks:
        assert plan.masking is not None
        grid = tuple(edge // plan.masking.unit for edge in SIZE[dims])
        assert masks.shape == (4, *grid)
        assert masks.flatten(1).sum(1).tolist() == [round(ratio * math.prod(grid))] * 4


@in_its_dims
def test_views_depend_on_their_draws_and_not_on_their_batch(name, dims, plan_of, views_of):
    spec = SPECS["hybrid"]
    plan = plan_of(name, dims=dims, spec=spec)
    first, again, other = (
        views_of(name, plan, spec, dims=dims, channels=3, seed=seed) for seed in (0, 0, 1)
    )
    alone = views_of(name, plan, spec, dims=dims, channels=3, samples=(2,))
    for number in range(2):
        assert torch.equal(first.images[number], again.images[number])
        assert not torch.equal(first.images[number], other.images[number])
        torch.testing.assert_close(
            alone.images[number][0], first.images[number][2], atol=1e-4, rtol=0
        )
        assert torch.equal(alone.masks[number][0], first.masks[number][2])


@in_its_dims
def test_a_policy_uses_all_its_views_where_there_is_colour_and_no_label(name, dims, plan_of):
    steps = [step.name for step in plan_of(name, dims=dims).steps]
    views = POLICIES[name].views.items()
    expected = [view for view, rule in views if dims in rule.dims and rule.level != "avoid"]
    assert steps == expected


@pytest.mark.parametrize(("name", "view"), AVOIDED)
def test_what_is_to_be_avoided_is_made_only_on_demand_and_with_a_warning(
    name, view, capsys, plan_of
):
    _say_once.cache_clear()
    assert view not in [step.name for step in plan_of(name).steps]
    assert capsys.readouterr().out == ""
    assert view in [step.name for step in plan_of(name, {view: {}}).steps]
    said = capsys.readouterr().out
    rule = POLICIES[name].views[view]
    assert f"view {view} is better avoided for {name}: {rule.because} ({rule.source})" in said


@every
@pytest.mark.parametrize("need", NEEDS)
def test_a_named_need_leaves_out_what_would_destroy_it_and_says_so(name, need, capsys, plan_of):
    _say_once.cache_clear()
    hanging = POLICIES[name].asks().get(need, ())
    was = [step.name for step in plan_of(name).steps]
    left = [step.name for step in plan_of(name, task_needs=(need,)).steps]
    assert left == [view for view in was if view not in hanging]
    said = capsys.readouterr().out
    for view in set(was) - set(left):
        assert f"Left out for task_needs: view {view} (" in said
    for view in hanging:
        with pytest.raises(ConfigError, match=f"view {view} cannot be used for this task"):
            plan_of(name, {view: {}}, task_needs=(need,))


@every
def test_a_recipe_can_leave_out_every_view(name, plan_of):
    assert plan_of(name, dict.fromkeys(POLICIES[name].views)).steps == ()


# --- tasks whose label names a side --------------------------------------------------------


@in_its_dims
def test_a_label_with_a_side_never_meets_a_view_that_swaps_sides(name, dims, plan_of):
    plan = plan_of(name, dims=dims, task=SIDED)
    across = {2: 1, 3: 0}[dims]  # columns, or X
    samples = np.arange(300)
    draws = Draws(seed=0, epoch=np.zeros_like(samples), sample=samples)
    for step in plan.steps:
        if isinstance(step.transform, SpatialTransform):
            own = step.transform.draw(draws.within(step.name), dims=dims)
            assert (step.transform.matrix(own, dims=dims)[:, across, across] > 0).all()


@in_its_dims
def test_a_recipe_cannot_ask_for_a_mirror_where_the_label_has_a_side(name, dims, plan_of):
    asked = [("flip_lr", {}), ("flip", {}), ("flip", {"axis": "lr"}), ("flip_ud", {"axis": "lr"})]
    for view, params in asked:
        with pytest.raises(ConfigError, match="the label has a side"):
            plan_of(name, {view: params}, dims=dims, task=SIDED)


@every
def test_without_a_task_nothing_is_left_out_for_it(name, plan_of):
    free = [step.name for step in plan_of(name).steps]
    harmless = TaskProfile(task="t", signal="dense")
    assert [step.name for step in plan_of(name, task=harmless).steps] == free
