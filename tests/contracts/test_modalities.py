"""What every policy keeps to: it makes working views, and what it forbids cannot be smuggled in."""

import math

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import Augmentation, Policy, calibrate, unit_range, view_plan
from anlage.transforms import SpatialTransform
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, make_views
from anlage.types import TaskProfile, ViewSpec

MODALITIES = plugins.available("modalities")
POLICIES: dict[str, Policy] = {name: plugins.load("modalities", name) for name in MODALITIES}
SIZE = {2: (16, 24), 3: (8, 16, 24)}
SOURCE = {2: (20, 36), 3: (12, 20, 30)}
SPECS = {
    "contrastive": ViewSpec(num_views=2, min_overlap=0.25),
    "masked": ViewSpec(num_views=1, intensity=False, is_masked=True, mask_ratio=0.6),
    "tokens": ViewSpec(num_views=1, is_masked=True, mask_unit=4),
    "hybrid": ViewSpec(num_views=2, is_masked=True, min_overlap=0.5),
    "labelled": ViewSpec(num_views=1),
    "many": ViewSpec(num_views=4),
}
SIDED = TaskProfile(task="t", signal="global", label_changing={"flip_lr": "the label has a side"})
NOT_STRENGTH = {("gaussian_blur", "truncate")}  # where a kernel is cut off does not matter

every = pytest.mark.parametrize("name", MODALITIES)
in_2d_and_3d = pytest.mark.parametrize("dims", [2, 3])
grey_and_colour = pytest.mark.parametrize("channels", [1, 3])

BANS = [(name, ban) for name, policy in POLICIES.items() for ban in policy.forbidden]
RULES = [(name, rule) for name, policy in POLICIES.items() for rule in policy.views]
LIMITS = [
    (name, rule, key)
    for name, policy in POLICIES.items()
    for rule in policy.views
    for key in policy.views[rule].limits
]


def intensities_of(name, channels=1):
    scaling = POLICIES[name].scaling
    unit = "hu" if scaling.kind == "hu" else "arbitrary"
    storage = scaling.storage(bits=12, unit=unit)
    low, high = unit_range(kind=scaling.kind, storage=storage, window=scaling.window(None))
    return Intensities(low=low, high=high, mean=(0.4,) * channels, std=(0.2,) * channels)


def stored_of(name, dims, channels, count):
    """Return values as the store of this modality holds them."""
    scaling = POLICIES[name].scaling
    unit = "hu" if scaling.kind == "hu" else "arbitrary"
    storage = scaling.storage(bits=12, unit=unit)
    pixels = np.random.default_rng(0).uniform(-900, 3000, (count, channels, *SOURCE[dims]))
    ready = [
        calibrate(one, kind=scaling.kind, storage=storage, bits=0, unit=unit) for one in pixels
    ]
    return torch.from_numpy(np.stack(ready))


def plan_of(name, views=None, *, dims=2, channels=3, spec=SPECS["contrastive"], **options):
    return view_plan(
        POLICIES[name],
        spec,
        Augmentation(views=views or {}),
        modality=name,
        size=SIZE[dims],
        intensities=intensities_of(name, channels),
        **options,
    )


def batch_of(name, dims, channels, samples):
    stored = stored_of(name, dims, channels, max(samples) + 1)[list(samples)]
    return CropBatch(
        images=stored,
        label_maps=None,
        spacing_mm=torch.tensor([[0.8, 1.5, 3.0][:dims]]).repeat(len(samples), 1),
        sample=torch.tensor(samples),
        patient=torch.tensor(samples),
    )


def views_of(name, plan, spec, *, dims, channels, samples=(0, 1, 2, 3), seed=0):
    sample = np.array(samples)
    draws = Draws(seed=seed, epoch=np.zeros_like(sample), sample=sample)
    return make_views(batch_of(name, dims, channels, samples), plan, spec, draws=draws)


# --- the policy as data --------------------------------------------------------------------


@every
def test_a_policy_gives_its_reasons_and_sources(name):
    policy = POLICIES[name]
    said = [policy.scaling, policy.crop, policy.corruption]
    said += [*policy.views.values(), *policy.forbidden.values()]
    assert isinstance(policy, Policy)
    assert policy.title.strip()
    assert set(policy.dims) <= {2, 3}
    assert policy.dims
    assert all(len(one.because) > 10 and one.source.strip() for one in said)
    assert policy.forbidden
    assert policy.views


@every
def test_crops_and_windows_are_in_order(name):
    crop = POLICIES[name].crop
    assert 0 < crop.least_scale <= crop.scale[0] <= crop.scale[1] <= 1
    assert 0 < crop.aspect[0] <= 1 <= crop.aspect[1]
    assert all(low < high for low, high in POLICIES[name].scaling.windows.values())
    assert crop.aspect[0] * crop.aspect[1] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("name", "view"), RULES)
def test_a_view_names_a_transform_and_settings_that_exist(name, view):
    rule = POLICIES[name].views[view]
    assert plugins.family("transforms", rule.transform) in {"spatial", "intensity"}
    config = plugins.load("transforms", rule.transform).Config.parse(rule.params, where=view)
    assert set(rule.limits) <= set(config.model_dump())


@pytest.mark.parametrize(("name", "view"), RULES)
def test_every_strength_of_a_view_has_a_limit(name, view):
    """Otherwise a recipe could make a safe change harmful by its settings."""
    rule = POLICIES[name].views[view]
    config = plugins.load("transforms", rule.transform).Config()
    strengths = {
        key
        for key, value in config.model_dump().items()
        if not isinstance(value, str) and (rule.transform, key) not in NOT_STRENGTH
    }
    assert strengths <= set(rule.limits)


@pytest.mark.parametrize(("name", "ban"), BANS)
def test_what_is_forbidden_names_a_transform_and_settings_that_exist(name, ban):
    forbidden = POLICIES[name].forbidden[ban]
    plugin = plugins.load("transforms", forbidden.transform)
    plugin.Config.parse(forbidden.params, where=ban)
    assert plugins.family("transforms", forbidden.transform) in {"spatial", "intensity"}
    assert ban not in POLICIES[name].views


# --- views that work -----------------------------------------------------------------------


@every
@in_2d_and_3d
@grey_and_colour
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_method_gets_finite_views_in_the_calibrated_range(name, dims, channels, spec):
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


@every
@in_2d_and_3d
def test_views_depend_on_their_draws_and_not_on_their_batch(name, dims):
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


@every
@in_2d_and_3d
def test_a_policy_uses_all_its_views_where_there_is_colour_and_no_label(name, dims):
    steps = [step.name for step in plan_of(name, dims=dims).steps]
    expected = [view for view, rule in POLICIES[name].views.items() if dims in rule.dims]
    assert steps == expected


@every
def test_a_recipe_can_leave_out_every_view(name):
    assert plan_of(name, dict.fromkeys(POLICIES[name].views)).steps == ()


# --- views that are refused ----------------------------------------------------------------


def refused(name, views, reason, **options):
    with pytest.raises(ConfigError) as caught:
        plan_of(name, views, **options)
    assert reason in str(caught.value)
    assert "Remove it from the recipe's views" in str(caught.value)


@pytest.mark.parametrize(("name", "ban"), BANS)
def test_what_is_forbidden_is_refused_under_every_name_with_its_reason(name, ban):
    forbidden = POLICIES[name].forbidden[ban]
    params = dict(forbidden.params)
    names = {forbidden.transform} | ({ban} if forbidden.transform in (ban, "flip") else set())
    if forbidden.transform == "flip":  # a mirror may hide behind any other mirror's name
        names |= {"flip_lr", "flip_ud", "flip"}
        names |= {"flip_ap"} if 3 in POLICIES[name].dims else set()
    for smuggled in names:
        for p in (1.0, 0.01, 0):
            refused(name, {smuggled: {**params, "p": p}}, forbidden.because)
    if not params:  # forbidden at any strength
        config = plugins.load("transforms", forbidden.transform).Config().model_dump()
        refused(name, {forbidden.transform: config}, forbidden.because)


@every
@pytest.mark.parametrize(
    ("transform", "params"), [("quarter_turn", {}), ("rotate", {"degrees": 180})]
)
def test_who_forbids_a_mirror_is_not_turned_over_by_a_recipe_either(name, transform, params):
    policy = POLICIES[name]
    is_own = transform in [rule.transform for rule in policy.views.values()]
    if "flip" in [ban.transform for ban in policy.forbidden.values()]:
        with pytest.raises(ConfigError, match="may have degrees up" if is_own else "is forbidden"):
            plan_of(name, {transform: params})
    elif not is_own:
        assert transform in [step.name for step in plan_of(name, {transform: params}).steps]


@pytest.mark.parametrize(("name", "view", "key"), LIMITS)
def test_a_strength_may_reach_its_limit_but_not_pass_it(name, view, key):
    rule = POLICIES[name].views[view]
    limit = rule.limits[key]
    default = plugins.load("transforms", rule.transform).Config().model_dump()[key]

    def value(number):
        if isinstance(default, tuple):
            return (number, number)
        return round(number) if isinstance(default, int) else number

    step = 1 if isinstance(default, int) else 0.01 * limit
    plan = plan_of(name, {view: {key: value(limit)}})
    assert view in [one.name for one in plan.steps]
    wanted = f"view {view} may have {key} up to {limit:g} for {name}"
    for beyond in (value(limit + step), str(limit + step) if isinstance(default, float) else None):
        if beyond is not None:
            with pytest.raises(ConfigError, match=wanted) as caught:
                plan_of(name, {view: {key: beyond}})
            assert rule.because in str(caught.value)
    if rule.transform != view:  # the same transform under its own name
        with pytest.raises(ConfigError, match=f"may have {key} up to"):
            plan_of(name, {rule.transform: {key: value(limit + step)}})


@every
@pytest.mark.parametrize("key", ["transform", "params", "limits", "level", "because", "dims"])
def test_a_recipe_cannot_rewrite_the_rule_itself(name, key):
    view = next(iter(POLICIES[name].views))
    with pytest.raises(ConfigError, match=f"view {view}: there is no setting '{key}'"):
        plan_of(name, {view: {key: "solarize"}})


@every
@pytest.mark.parametrize("mask", plugins.available("transforms/masks"))
def test_a_mask_is_not_a_view(name, mask):
    with pytest.raises(ConfigError, match=f"there is no view '{mask}' for {name}"):
        plan_of(name, {mask: {}})


@every
def test_an_unknown_view_names_the_nearest_and_the_allowed(name):
    with pytest.raises(ConfigError) as caught:
        plan_of(name, {"rotat": {"degrees": 5}})
    message = str(caught.value)
    assert f"there is no view 'rotat' for {name}. Did you mean 'rotate'?" in message
    listed = message.split("Choose one of: ")[1].rstrip(".").split(", ")
    assert set(POLICIES[name].views) <= set(listed)
    banned = {ban.transform for ban in POLICIES[name].forbidden.values() if not ban.params}
    assert not banned & set(listed)


@every
def test_a_crop_below_the_least_scale_is_refused_with_the_reason(name):
    crop = POLICIES[name].crop
    for scale in ((crop.least_scale * 0.9, 1.0), (0.9, 0.8), (crop.least_scale, 1.1)):
        with pytest.raises(ConfigError, match="crop_scale must lie between") as caught:
            view_plan(
                POLICIES[name],
                ViewSpec(),
                Augmentation(crop_scale=scale),
                modality=name,
                size=SIZE[2],
                intensities=intensities_of(name),
            )
        assert crop.because in str(caught.value)


# --- tasks whose label names a side --------------------------------------------------------


@every
@in_2d_and_3d
def test_a_label_with_a_side_never_meets_a_view_that_swaps_sides(name, dims):
    plan = plan_of(name, dims=dims, task=SIDED)
    across = {2: 1, 3: 0}[dims]  # columns, or X
    samples = np.arange(300)
    draws = Draws(seed=0, epoch=np.zeros_like(samples), sample=samples)
    for step in plan.steps:
        if isinstance(step.transform, SpatialTransform):
            own = step.transform.draw(draws.within(step.name), dims=dims)
            assert (step.transform.matrix(own, dims=dims)[:, across, across] > 0).all()


@every
@in_2d_and_3d
def test_a_recipe_cannot_ask_for_a_mirror_where_the_label_has_a_side(name, dims):
    asked = [("flip_lr", {}), ("flip", {}), ("flip", {"axis": "lr"}), ("flip_ud", {"axis": "lr"})]
    for view, params in asked:
        with pytest.raises(ConfigError, match="the label has a side"):
            plan_of(name, {view: params}, dims=dims, task=SIDED)


@every
def test_without_a_task_nothing_is_left_out_for_it(name):
    free = [step.name for step in plan_of(name).steps]
    harmless = TaskProfile(task="t", signal="dense")
    assert [step.name for step in plan_of(name, task=harmless).steps] == free
