"""Weak views beat strong ones on the back of the eye (rule R37)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "fundus")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("gaussian_blur", "wipes out microaneurysms"),
        ("gaussian_noise", "look like microaneurysms"),
        ("bias_field", "shading hurt"),
        ("grayscale", "bleeding"),
        ("flip_ud", "fovea"),
        ("quarter_turn", "arcades"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for fundus: .*{reason}"):
        plan_of("fundus", {view: {}}, channels=3)


def test_crops_are_those_of_the_study(plan_of):
    assert plan_of("fundus").crop_scale == (0.5, 1.0)
    with pytest.raises(ConfigError, match=r"between 0\.2 and 1"):
        plan_of("fundus", crop_scale=(0.05, 1.0))


@pytest.mark.parametrize("change", [{"brightness": 0.3}, {"contrast": 0.3}])
def test_jitter_is_no_stronger_than_a_fifth(plan_of, change):
    with pytest.raises(ConfigError, match=r"up to 0\.2 for fundus, got 0\.3"):
        plan_of("fundus", {"brightness_contrast": change})


def test_a_left_eye_becomes_a_right_one_only_on_demand(plan_of):
    assert "flip_lr" not in [step.name for step in plan_of("fundus", channels=3).steps]
    assert POLICY.views["flip_lr"].level == "avoid"
    with pytest.raises(ConfigError, match="tells left from right"):
        plan_of("fundus", {"flip_lr": {}}, task_needs=("laterality",))


def test_two_eyes_are_never_a_positive_pair():
    assert POLICY.pairs.positive == "image"
    assert any("right eye" in words for words in POLICY.pairs.never)
