"""How a policy is obeyed, on policies made for the test: what is used, forbidden or avoided."""

import pytest
from pydantic import ValidationError

from anlage.errors import ConfigError
from anlage.modalities import Corruption, Forbidden
from anlage.modalities._plan import _say_once

WHY = {"because": "the reason", "source": "R0"}


def ban(transform, **params):
    return Forbidden(transform=transform, params=params, **WHY)


def names(plan):
    return [step.name for step in plan.steps]


# --- which changes a run makes -------------------------------------------------------------


def test_without_overrides_the_rules_are_the_policys(make_policy, rule):
    views = {"gamma": rule("gamma"), "rotate": rule("rotate")}
    assert make_policy(views=views).rules(modality="test") == views


def test_an_override_changes_what_it_names_and_keeps_the_rest(make_policy, rule):
    own = rule("gaussian_blur", 0.3, params={"sigma": (0.3, 0.8), "truncate": 2.0})
    policy = make_policy(views={"gaussian_blur": own, "gamma": rule("gamma")})
    rules = policy.rules({"gaussian_blur": {"p": 0.9, "truncate": 4.0}}, modality="test")
    changed = rules["gaussian_blur"]
    assert changed.p == 0.9
    assert changed.params == {"sigma": (0.3, 0.8), "truncate": 4.0}
    assert changed.because == own.because
    assert rules["gamma"] == policy.views["gamma"]
    assert policy.views["gaussian_blur"] == own


def test_none_leaves_a_view_out_also_one_that_is_not_there(make_policy, rule):
    policy = make_policy(views={"gamma": rule("gamma"), "rotate": rule("rotate")})
    assert list(policy.rules({"gamma": None, "solarize": None}, modality="test")) == ["rotate"]


def test_a_recipe_adds_a_transform_that_the_policy_does_not_use(make_policy):
    added = make_policy().rules({"gamma": {"power": 2.0}}, modality="test")["gamma"]
    assert added.transform == "gamma"
    assert added.params == {"power": 2.0}
    assert added.p == 0.5
    assert added.source == "recipe"


@pytest.mark.parametrize("axis", ["lr", "ud", "ap"])
def test_every_mirror_can_be_added_by_its_name(make_policy, axis):
    added = make_policy().rules({f"flip_{axis}": {}}, modality="test")[f"flip_{axis}"]
    assert added.transform == "flip"
    assert added.params == {"axis": axis}


def test_an_unknown_view_lists_what_may_be_used(make_policy, rule):
    policy = make_policy(views={"gamma": rule("gamma")}, forbidden={"solarize": ban("solarize")})
    with pytest.raises(ConfigError) as caught:
        policy.rules({"gama": {}}, modality="knee")
    message = str(caught.value)
    assert message.startswith("there is no view 'gama' for knee. Did you mean 'gamma'? Choose one")
    assert "rotate" in message
    assert "solarize" not in message


def test_a_misspelt_forbidden_view_is_recognised(make_policy):
    policy = make_policy(forbidden={"solarize": ban("solarize")})
    with pytest.raises(ConfigError, match="Did you mean 'solarize'"):
        policy.rules({"solarise": {}}, modality="knee")


@pytest.mark.parametrize("name", ["random", "block", "_shape", "../config", "anlage.config", ""])
def test_nothing_but_a_view_can_be_named(make_policy, name):
    with pytest.raises(ConfigError, match="there is no view"):
        make_policy().rules({name: {}}, modality="knee")


# --- what is forbidden ---------------------------------------------------------------------


def test_a_ban_without_settings_meets_every_use_of_its_transform(rule):
    assert ban("gamma").matches(rule("gamma", params={"power": 1.01}))
    assert not ban("gamma").matches(rule("rotate"))


def test_a_ban_with_settings_meets_only_these(rule):
    upside_down = ban("flip", axis="ud")
    assert upside_down.matches(rule("flip", params={"axis": "ud"}))
    assert not upside_down.matches(rule("flip", params={"axis": "lr"}))
    assert not upside_down.matches(rule("gamma", params={"axis": "ud"}))


def test_a_forbidden_view_is_refused_by_name_and_reason(make_policy, plan_of):
    policy = make_policy(forbidden={"solarize": ban("solarize")})
    wanted = r"view solarize is forbidden for test: the reason \(R0\)\. Remove it"
    with pytest.raises(ConfigError, match=wanted):
        plan_of(policy, {"solarize": {"threshold": 1.0}})


def test_a_forbidden_default_cannot_be_reached_by_leaving_settings_out(make_policy, plan_of):
    """Left-right is the flip's default: a recipe need not write it to ask for it."""
    policy = make_policy(forbidden={"flip_lr": ban("flip", axis="lr")})
    with pytest.raises(ConfigError, match="view flip is forbidden"):
        plan_of(policy, {"flip": {}})


def test_an_allowed_mirror_cannot_be_turned_into_a_forbidden_one(make_policy, plan_of, rule):
    policy = make_policy(
        views={"flip_lr": rule("flip", params={"axis": "lr"})},
        forbidden={"flip_ud": ban("flip", axis="ud")},
    )
    assert names(plan_of(policy)) == ["flip_lr"]
    with pytest.raises(ConfigError, match="view flip_lr is forbidden"):
        plan_of(policy, {"flip_lr": {"axis": "ud"}})


def test_a_forbidden_name_with_allowed_settings_is_allowed(make_policy, plan_of):
    """What counts is what is done, not what it is called."""
    policy = make_policy(forbidden={"flip_ud": ban("flip", axis="ud")})
    plan = plan_of(policy, {"flip_ud": {"axis": "lr"}})
    assert plan.steps[0].transform.config.axis == "lr"


@pytest.mark.parametrize("name", ["quarter_turn", "rotate"])
def test_a_forbidden_mirror_forbids_turning_over_unless_the_policy_turns(
    make_policy, plan_of, name, rule
):
    asked = {name: {"degrees": 91} if name == "rotate" else {}}
    upright = {"flip_ud": ban("flip", axis="ud")}
    with pytest.raises(ConfigError, match=f"view {name} is forbidden for test: the reason"):
        plan_of(make_policy(forbidden=upright), asked)
    own = make_policy(forbidden=upright, views={name: rule(name)})
    assert names(plan_of(own, asked)) == [name]
    assert names(plan_of(make_policy(), asked)) == [name]


def test_a_small_rotation_turns_nothing_over(make_policy, plan_of):
    policy = make_policy(forbidden={"flip_ud": ban("flip", axis="ud")})
    assert names(plan_of(policy, {"rotate": {"degrees": 90}})) == ["rotate"]


# --- what is better avoided ----------------------------------------------------------------


def test_a_view_to_avoid_is_off_until_a_recipe_names_it(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(views={"gamma": rule("gamma", level="avoid"), "rotate": rule("rotate")})
    assert names(plan_of(policy)) == ["rotate"]
    assert capsys.readouterr().out == ""
    assert names(plan_of(policy, {"gamma": {}})) == ["rotate", "gamma"]
    assert capsys.readouterr().out == (
        "Careful: view gamma is better avoided for test: the reason (R0). It is used since the "
        "recipe asks for it.\n"
    )


def test_a_warning_comes_once_per_process(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(views={"gamma": rule("gamma", level="avoid")})
    for _ in range(3):
        plan_of(policy, {"gamma": {}})
    assert capsys.readouterr().out.count("Careful") == 1


def test_a_view_to_avoid_is_known_under_every_name(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(views={"upside": rule("flip", params={"axis": "ud"}, level="avoid")})
    plan_of(policy, {"flip_ud": {}})
    assert "Careful: view flip_ud" in capsys.readouterr().out
    plan_of(policy, {"flip_lr": {}})
    assert capsys.readouterr().out == ""


def test_who_allows_a_change_elsewhere_does_not_warn_of_it(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(
        views={"gamma": rule("gamma"), "strong": rule("gamma", params={"power": 3}, level="avoid")}
    )
    plan_of(policy, {"strong": {}})
    assert capsys.readouterr().out == ""


def test_a_view_that_is_left_out_for_its_dimensions_is_not_warned_of(
    make_policy, plan_of, capsys, rule
):
    _say_once.cache_clear()
    policy = make_policy(views={"gamma": rule("gamma", level="avoid", dims=(3,))})
    assert names(plan_of(policy, {"gamma": {}}, dims=2)) == []
    assert capsys.readouterr().out == ""


# --- words of the policy itself ------------------------------------------------------------


def test_a_policy_cannot_be_changed_and_knows_its_words(make_policy):
    policy = make_policy()
    with pytest.raises(ValidationError, match="frozen"):
        policy.title = "other"
    with pytest.raises(ConfigError, match=r"there is no setting 'ratoi'\. Did you mean 'ratio'"):
        Corruption.parse({"ratoi": 0.5, "unit": 0.1, **WHY}, where="policy")


@pytest.mark.parametrize("values", [{"ratio": 0.0}, {"ratio": 1.0}, {"unit": 0.0}, {"unit": 0.6}])
def test_a_share_to_hide_lies_between_nothing_and_all(values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: Input should be"):
        Corruption.parse({"ratio": 0.5, "unit": 0.1, **WHY, **values}, where="policy")
