"""Skin has no pose, and colour is a criterion (rule R36)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "dermoscopy")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("grayscale", "criteria of malignancy"),
        ("solarize", "colours that skin never has"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for dermoscopy: .*{reason}"):
        plan_of("dermoscopy", {view: {}}, channels=3)


def test_what_has_no_pose_is_turned_and_mirrored_freely(plan_of):
    chances = {step.name: step.p for step in plan_of("dermoscopy", channels=3).steps}
    assert chances["quarter_turn"] == 1
    assert chances["flip_lr"] == 0.5
    assert "rotate" in chances


def test_light_is_corrected_before_anything_is_learnt_from_it():
    assert POLICY.scaling.kind == "colour_constancy"


def test_brown_does_not_become_red(plan_of):
    with pytest.raises(ConfigError, match="hue_degrees up to 10 for dermoscopy, got 30"):
        plan_of("dermoscopy", {"hue_saturation": {"hue_degrees": 30}}, channels=3)


def test_where_colour_alone_decides_no_view_touches_it(plan_of):
    steps = plan_of("dermoscopy", channels=3, task_needs=("colour",)).steps
    assert not {"hue_saturation", "colour_temperature"} & {step.name for step in steps}


def test_the_marks_of_surgeons_are_named_as_a_shortcut():
    assert any("ink" in one.what for one in POLICY.shortcuts)
