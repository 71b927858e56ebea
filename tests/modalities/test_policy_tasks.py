"""Views that a task does not bear, since they change its label or take what it needs."""

import pytest

from anlage.errors import ConfigError
from anlage.modalities._plan import _say_once
from anlage.types import TaskProfile

MIRRORED = {"flip_lr": "the label has a side"}


def sided(**label_changing):
    return TaskProfile(task="t", signal="global", label_changing=label_changing)


def names(plan):
    return [step.name for step in plan.steps]


# --- labels that a view would change -------------------------------------------------------


def test_a_policys_own_view_is_left_out_where_it_changes_the_label(make_policy, plan_of, rule):
    policy = make_policy(
        views={"flip_lr": rule("flip", params={"axis": "lr"}), "gamma": rule("gamma")}
    )
    assert names(plan_of(policy)) == ["flip_lr", "gamma"]
    assert names(plan_of(policy, task=sided(**MIRRORED))) == ["gamma"]


@pytest.mark.parametrize(
    ("name", "params"),
    [("flip_lr", {"p": 1.0}), ("flip", {}), ("flip_ud", {"axis": "lr"}), ("quarter_turn", {}),
     ("rotate", {"degrees": 180})],
)  # fmt: skip
def test_a_recipe_that_asks_for_it_is_refused_whatever_it_calls_it(
    make_policy, plan_of, name, params, rule
):
    policy = make_policy(views={"flip_lr": rule("flip", params={"axis": "lr"})})
    with pytest.raises(
        ConfigError, match=f"view {name} cannot be used for this task: the label has a side"
    ):
        plan_of(policy, {name: params}, task=sided(**MIRRORED))


@pytest.mark.parametrize(("name", "params"), [("flip_ud", {}), ("rotate", {"degrees": 45})])
def test_other_views_stay(make_policy, plan_of, name, params):
    assert names(plan_of(make_policy(), {name: params}, task=sided(**MIRRORED))) == [name]


def test_a_label_that_any_mirror_changes_meets_every_axis(make_policy, plan_of):
    task = sided(flip="the label is a hand")
    for name in ("flip_lr", "flip_ud", "flip"):
        with pytest.raises(ConfigError, match="the label is a hand"):
            plan_of(make_policy(), {name: {}}, task=task)


def test_a_label_that_colour_decides_meets_the_view_by_its_policys_name(make_policy, plan_of, rule):
    policy = make_policy(views={"stain": rule("hue_saturation")})
    task = sided(stain="the stain is the label")
    assert names(plan_of(policy, channels=3)) == ["stain"]
    assert names(plan_of(policy, channels=3, task=task)) == []
    with pytest.raises(ConfigError, match="the stain is the label"):
        plan_of(policy, {"hue_saturation": {"hue_degrees": 1}}, channels=3, task=task)


# --- what the task needs -------------------------------------------------------------------


def test_a_named_need_takes_views_away_and_says_which_and_why(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(
        views={"flip_lr": rule("flip", params={"axis": "lr"}), "gamma": rule("gamma")}
    )
    assert names(plan_of(policy, task_needs=("laterality",))) == ["gamma"]
    said = capsys.readouterr().out
    assert said == ("Left out for task_needs: view flip_lr (the task tells left from right).\n")
    assert names(plan_of(policy, task_needs=("laterality", "intensity"))) == []


def test_a_need_and_a_tasks_own_reasons_add_up(make_policy, plan_of, rule):
    policy = make_policy(
        views={"flip_lr": rule("flip", params={"axis": "lr"}), "gamma": rule("gamma")}
    )
    task = sided(gamma="the curve is the label")
    assert names(plan_of(policy, task=task, task_needs=("laterality",))) == []


def test_a_recipe_cannot_ask_for_what_it_says_the_task_does_not_bear(make_policy, plan_of):
    with pytest.raises(ConfigError, match="view flip_lr cannot be used for this task"):
        plan_of(make_policy(), {"flip_lr": {}}, task_needs=("laterality",))


def test_nothing_is_said_of_what_a_task_itself_leaves_out(make_policy, plan_of, capsys, rule):
    _say_once.cache_clear()
    policy = make_policy(views={"flip_lr": rule("flip", params={"axis": "lr"})})
    plan_of(policy, task=sided(**MIRRORED))
    assert capsys.readouterr().out == ""
