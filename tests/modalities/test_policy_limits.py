"""How strong or weak a policy lets a view become, on policies made for the test."""

import pytest

from anlage.errors import ConfigError


def names(plan):
    return [step.name for step in plan.steps]


def test_a_strength_up_to_its_limit_passes_and_beyond_is_refused(make_policy, plan_of, rule):
    policy = make_policy(views={"rotate": rule("rotate", limits={"degrees": 20})})
    assert plan_of(policy, {"rotate": {"degrees": 20}}).steps[0].transform.config.degrees == 20
    with pytest.raises(
        ConfigError, match=r"rotate may have degrees up to 20 for test, got 20\.5: .* Lower degrees"
    ):
        plan_of(policy, {"rotate": {"degrees": 20.5}})


def test_a_limit_holds_for_both_ends_of_a_range(make_policy, plan_of, rule):
    policy = make_policy(views={"gaussian_blur": rule("gaussian_blur", limits={"sigma": 1.5})})
    for sigma in ([0.1, 1.6], [1.6, 1.6]):
        with pytest.raises(ConfigError, match=r"may have sigma up to 1\.5 for test, got 1\.6"):
            plan_of(policy, {"gaussian_blur": {"sigma": sigma}})


def test_a_limit_holds_for_a_transform_whatever_its_view_is_called(make_policy, plan_of, rule):
    policy = make_policy(views={"tilt": rule("rotate", limits={"degrees": 20})})
    with pytest.raises(ConfigError, match="view rotate may have degrees up to 20"):
        plan_of(policy, {"rotate": {"degrees": 30}})


def test_a_default_of_the_transform_is_measured_too(make_policy, plan_of, rule):
    policy = make_policy(
        views={"gamma": rule("gamma", params={"power": 1.1}, limits={"power": 1.2})}
    )
    assert names(plan_of(policy)) == ["gamma"]
    bare = make_policy(views={"gamma": rule("gamma", limits={"power": 1.2})})
    with pytest.raises(ConfigError, match=r"may have power up to 1\.2 for test, got 1\.5"):
        plan_of(bare)


@pytest.mark.parametrize("value", ["90", "1e3"])
def test_a_number_written_as_text_is_measured_too(make_policy, plan_of, value, rule):
    policy = make_policy(views={"rotate": rule("rotate", limits={"degrees": 20})})
    with pytest.raises(ConfigError, match="view rotate"):
        plan_of(policy, {"rotate": {"degrees": value}})


@pytest.mark.parametrize("share", [-0.1, 1.1, "often"])
def test_a_probability_is_a_share(make_policy, plan_of, share):
    with pytest.raises(ConfigError, match="view gamma: p: Input should be"):
        plan_of(make_policy(), {"gamma": {"p": share}})


def test_what_harms_by_being_small_may_go_down_to_its_least(make_policy, plan_of, rule):
    own = rule("kspace_mask", params={"centre": 0.1}, least={"centre": 0.05})
    policy = make_policy(views={"kspace_mask": own})
    assert plan_of(policy, {"kspace_mask": {"centre": 0.05}}).steps[0].transform.config.centre
    with pytest.raises(
        ConfigError, match=r"centre down to 0\.05 for test, got 0\.04: .* Raise centre"
    ):
        plan_of(policy, {"kspace_mask": {"centre": 0.04}})


def test_a_least_value_holds_for_both_ends_of_a_range(make_policy, plan_of, rule):
    own = rule("gaussian_blur", least={"sigma": 0.5}, params={"sigma": (0.5, 1.0)})
    with pytest.raises(ConfigError, match=r"sigma down to 0\.5 for test, got 0\.2"):
        plan_of(make_policy(views={"gaussian_blur": own}), {"gaussian_blur": {"sigma": [0.2, 1]}})
