"""What every policy keeps to: it makes working views, and what it forbids cannot be smuggled in."""

import json
import math
import re
from importlib import resources

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import (
    NEEDS,
    SOURCES,
    Augmentation,
    Policy,
    calibrate,
    unit_range,
    view_plan,
)
from anlage.modalities._plan import _say_once
from anlage.transforms import SpatialTransform
from anlage.transforms.draws import Draws
from anlage.transforms.views import (
    CropBatch,
    Intensities,
    Step,
    ViewPlan,
    make_views,
    one_view,
)
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
NOT_STRENGTH = {  # which form a change has and where it lies, not how strong it is
    ("beam_hardening", "body_above"),
    ("cutout", "aspect"),
    ("cutout", "foreground"),
    ("depth_gain", "axis"),
    ("depth_gain", "sliders"),
    ("gaussian_blur", "truncate"),
    ("jpeg", "halve_colour"),
    ("metal_streaks", "directions"),
    ("shadow", "apex"),
    ("shadow", "axis"),
    ("shadow", "start"),
}

every = pytest.mark.parametrize("name", MODALITIES)
in_its_dims = pytest.mark.parametrize(
    ("name", "dims"), [(name, dims) for name, policy in POLICIES.items() for dims in policy.dims]
)
grey_and_colour = pytest.mark.parametrize("channels", [1, 3])

BANS = [(name, ban) for name, policy in POLICIES.items() for ban in policy.forbidden]
RULES = [(name, rule) for name, policy in POLICIES.items() for rule in policy.views]
LIMITS = [
    (name, rule, key)
    for name, policy in POLICIES.items()
    for rule in policy.views
    for key in policy.views[rule].limits
]
LEASTS = [
    (name, rule, key)
    for name, policy in POLICIES.items()
    for rule in policy.views
    for key in policy.views[rule].least
]
ARTEFACTS = [(name, artefact) for name, policy in POLICIES.items() for artefact in policy.artefacts]


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
    ends = {"suv": (0, 30)}.get(scaling.kind, (-900, 3000))
    pixels = np.random.default_rng(0).uniform(*ends, (count, channels, *SOURCE[dims]))
    ready = [
        calibrate(one, kind=scaling.kind, storage=storage, bits=0, unit=unit) for one in pixels
    ]
    return torch.from_numpy(np.stack(ready))


def plan_of(
    name, views=None, *, dims=2, channels=3, spec=SPECS["contrastive"], task_needs=(), **options
):
    return view_plan(
        POLICIES[name],
        spec,
        Augmentation(views=views or {}, task_needs=task_needs),
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


WANTED = {
    "cxr",
    "ct",
    "mri",
    "ultrasound",
    "histology",
    "microscopy",
    "dermoscopy",
    "fundus",
    "oct",
    "endoscopy",
    "mammography",
    "pet",
    "generic",
}


def test_every_modality_of_the_evidence_base_has_a_policy():
    assert set(MODALITIES) >= WANTED


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
    assert set(rule.limits) | set(rule.least) <= set(config.model_dump())


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
    assert strengths <= set(rule.limits) | set(rule.least)


@pytest.mark.parametrize(("name", "ban"), BANS)
def test_what_is_forbidden_names_a_transform_and_settings_that_exist(name, ban):
    forbidden = POLICIES[name].forbidden[ban]
    plugin = plugins.load("transforms", forbidden.transform)
    plugin.Config.parse(forbidden.params, where=ban)
    assert plugins.family("transforms", forbidden.transform) in {"spatial", "intensity"}
    assert ban not in POLICIES[name].views


def sources_of(policy):
    said = [policy.scaling, policy.crop, policy.corruption, policy.pairs, *policy.shortcuts]
    for group in (policy.views, policy.forbidden, policy.artefacts, policy.hints):
        said += group.values()
    return {name for one in said for name in re.split(r"[;,] *", one.source)}


@every
def test_every_source_is_a_design_rule_or_a_paper_that_is_listed(name):
    path = resources.files("anlage") / "evidence" / "rules.json"
    rules = {rule["id"] for rule in json.loads(path.read_text(encoding="utf-8"))}
    assert sources_of(POLICIES[name]) <= rules | set(SOURCES)


def test_no_paper_is_listed_that_no_policy_names():
    assert set(SOURCES) == {
        source
        for policy in POLICIES.values()
        for source in sources_of(policy)
        if not re.fullmatch(r"R\d\d", source)
    }


@every
def test_a_policy_says_what_goes_wrong_and_what_misleads(name):
    policy = POLICIES[name]
    assert policy.artefacts
    assert all(
        len(one.because) > 5 and len(one.strengths) >= 2 for one in policy.artefacts.values()
    )
    assert all(len(one.what) > 4 and len(one.remedy) > 10 for one in policy.shortcuts)
    assert policy.shortcuts
    assert policy.notes or policy.hints
    assert name == "generic" or policy.pairs.never


@every
def test_nothing_is_both_allowed_and_forbidden(name):
    policy = POLICIES[name]
    assert not set(policy.views) & set(policy.forbidden)
    for rule in policy.views.values():
        plugin = plugins.load("transforms", rule.transform)
        full = rule.model_copy(
            update={"params": plugin.Config.parse(rule.params, where="t").model_dump()}
        )
        assert policy._ban(full) is None


@pytest.mark.parametrize(("name", "artefact"), ARTEFACTS)
def test_an_artefact_exists_and_grows_with_its_strength(name, artefact):
    one = POLICIES[name].artefacts[artefact]
    plugin = plugins.load("transforms", one.transform)
    images = torch.rand(16, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    images = images.repeat(1, 3, 1, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    images[:, 1:] *= 0.8  # some colour
    numbers = np.arange(16)
    batch = CropBatch(
        images=images,
        label_maps=None,
        spacing_mm=torch.ones(16, 2),
        sample=torch.arange(16),
        patient=torch.arange(16),
    )
    changes = []
    for params in one.strengths:
        config = plugin.Config.parse(params, where=artefact)
        plan = ViewPlan(
            size=(24, 32),
            intensities=Intensities(low=0, high=1, mean=(0.0,) * 3, std=(1.0,) * 3),
            steps=(Step(name="artefact", p=1.0, transform=plugin(config)),),
        )
        draws = Draws(seed=0, epoch=np.zeros_like(numbers), sample=numbers)
        views, _ = one_view(batch, plan, draws=draws)
        changes.append(float((views - images).abs().mean()))
    assert changes == sorted(changes)
    assert changes[0] > 0


# --- views that work -----------------------------------------------------------------------


@in_its_dims
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


@in_its_dims
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


@in_its_dims
def test_a_policy_uses_all_its_views_where_there_is_colour_and_no_label(name, dims):
    steps = [step.name for step in plan_of(name, dims=dims).steps]
    views = POLICIES[name].views.items()
    expected = [view for view, rule in views if dims in rule.dims and rule.level != "avoid"]
    assert steps == expected


AVOIDED = [
    (name, view)
    for name, policy in POLICIES.items()
    for view, rule in policy.views.items()
    if rule.level == "avoid"
]


@pytest.mark.parametrize(("name", "view"), AVOIDED)
def test_what_is_to_be_avoided_is_made_only_on_demand_and_with_a_warning(name, view, capsys):
    _say_once.cache_clear()
    assert view not in [step.name for step in plan_of(name).steps]
    assert capsys.readouterr().out == ""
    assert view in [step.name for step in plan_of(name, {view: {}}).steps]
    said = capsys.readouterr().out
    rule = POLICIES[name].views[view]
    assert f"view {view} is better avoided for {name}: {rule.because} ({rule.source})" in said


@every
@pytest.mark.parametrize("need", NEEDS)
def test_a_named_need_leaves_out_what_would_destroy_it_and_says_so(name, need, capsys):
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
    elif not is_own and transform not in [ban.transform for ban in policy.forbidden.values()]:
        assert transform in [step.name for step in plan_of(name, {transform: params}).steps]


def could_be(rule, key, value):
    """Whether the transform itself takes a value."""
    try:
        plugins.load("transforms", rule.transform).Config.parse(
            {**rule.params, key: value}, where="t"
        )
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(("name", "view", "key"), LEASTS)
def test_what_harms_by_being_small_has_a_least_value(name, view, key):
    rule = POLICIES[name].views[view]
    least = rule.least[key]
    assert view in [step.name for step in plan_of(name, {view: {key: least}}).steps]
    wanted = f"view {view} may have {key} down to {least:g} for {name}, got"
    with pytest.raises(ConfigError, match=wanted) as caught:
        plan_of(name, {view: {key: least * 0.99}})
    assert rule.because in str(caught.value)


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
    if not could_be(rule, key, value(limit + step)):  # the transform itself goes no further
        return
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


@in_its_dims
def test_a_label_with_a_side_never_meets_a_view_that_swaps_sides(name, dims):
    plan = plan_of(name, dims=dims, task=SIDED)
    across = {2: 1, 3: 0}[dims]  # columns, or X
    samples = np.arange(300)
    draws = Draws(seed=0, epoch=np.zeros_like(samples), sample=samples)
    for step in plan.steps:
        if isinstance(step.transform, SpatialTransform):
            own = step.transform.draw(draws.within(step.name), dims=dims)
            assert (step.transform.matrix(own, dims=dims)[:, across, across] > 0).all()


@in_its_dims
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
