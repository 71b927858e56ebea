"""What a policy forbids or limits cannot be smuggled in by a recipe, under any name or setting."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import Augmentation, Policy, view_plan
from anlage.types import ViewSpec

MODALITIES = plugins.available("modalities")
POLICIES: dict[str, Policy] = {name: plugins.load("modalities", name) for name in MODALITIES}
every = pytest.mark.parametrize("name", MODALITIES)
BANS = [(name, ban) for name, policy in POLICIES.items() for ban in policy.forbidden]

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


@pytest.fixture
def refused(plan_of):
    """Check that a recipe's views are refused with a reason."""

    def check(name, views, reason, **options):
        with pytest.raises(ConfigError) as caught:
            plan_of(name, views, **options)
        assert reason in str(caught.value)
        assert "Remove it from the recipe's views" in str(caught.value)

    return check


@pytest.mark.parametrize(("name", "ban"), BANS)
def test_what_is_forbidden_is_refused_under_every_name_with_its_reason(name, ban, refused):
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
def test_who_forbids_a_mirror_is_not_turned_over_by_a_recipe_either(
    name, transform, params, plan_of
):
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
def test_what_harms_by_being_small_has_a_least_value(name, view, key, plan_of):
    rule = POLICIES[name].views[view]
    least = rule.least[key]
    assert view in [step.name for step in plan_of(name, {view: {key: least}}).steps]
    wanted = f"view {view} may have {key} down to {least:g} for {name}, got"
    with pytest.raises(ConfigError, match=wanted) as caught:
        plan_of(name, {view: {key: least * 0.99}})
    assert rule.because in str(caught.value)


@pytest.mark.parametrize(("name", "view", "key"), LIMITS)
def test_a_strength_may_reach_its_limit_but_not_pass_it(name, view, key, plan_of):
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
def test_a_recipe_cannot_rewrite_the_rule_itself(name, key, plan_of):
    view = next(iter(POLICIES[name].views))
    with pytest.raises(ConfigError, match=f"view {view}: there is no setting '{key}'"):
        plan_of(name, {view: {key: "solarize"}})


@every
@pytest.mark.parametrize("mask", plugins.available("transforms/masks"))
def test_a_mask_is_not_a_view(name, mask, plan_of):
    with pytest.raises(ConfigError, match=f"there is no view '{mask}' for {name}"):
        plan_of(name, {mask: {}})


@every
def test_an_unknown_view_names_the_nearest_and_the_allowed(name, plan_of):
    with pytest.raises(ConfigError) as caught:
        plan_of(name, {"rotat": {"degrees": 5}})
    message = str(caught.value)
    assert f"there is no view 'rotat' for {name}. Did you mean 'rotate'?" in message
    listed = message.split("Choose one of: ")[1].rstrip(".").split(", ")
    assert set(POLICIES[name].views) <= set(listed)
    banned = {ban.transform for ban in POLICIES[name].forbidden.values() if not ban.params}
    assert not banned & set(listed)


@every
def test_a_crop_below_the_least_scale_is_refused_with_the_reason(name, intensities_of):
    crop = POLICIES[name].crop
    for scale in ((crop.least_scale * 0.9, 1.0), (0.9, 0.8), (crop.least_scale, 1.1)):
        with pytest.raises(ConfigError, match="crop_scale must lie between") as caught:
            view_plan(
                POLICIES[name],
                ViewSpec(),
                Augmentation(crop_scale=scale),
                modality=name,
                size=(16, 24),
                intensities=intensities_of(name),
            )
        assert crop.because in str(caught.value)
