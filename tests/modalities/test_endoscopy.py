"""A scope rolls, and hue is the message (rule R39)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "endoscopy")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("grayscale", "redness"),
        ("solarize", "holes"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for endoscopy: .*{reason}"):
        plan_of("endoscopy", {view: {}}, channels=3)


def test_the_scope_rolls_and_the_lamp_travels(plan_of):
    steps = {step.name for step in plan_of("endoscopy", channels=3).steps}
    assert {"rotate", "flip_lr", "brightness_contrast", "specular_highlights"} <= steps


def test_hues_are_turned_only_on_demand_and_a_little(plan_of):
    assert POLICY.views["hue_saturation"].level == "avoid"
    assert "hue_saturation" not in [step.name for step in plan_of("endoscopy", channels=3).steps]
    with pytest.raises(ConfigError, match="hue_degrees up to 10 for endoscopy, got 20"):
        plan_of("endoscopy", {"hue_saturation": {"hue_degrees": 20}}, channels=3)


def test_a_millimetre_means_nothing_where_the_distance_varies():
    assert POLICY.corruption.unit_mm is None


def test_text_beside_the_field_is_not_kept():
    assert POLICY.scaling.kind == "main_region"


def test_an_upright_camera_keeps_its_up(plan_of):
    steps = plan_of("endoscopy", channels=3, task_needs=("orientation",)).steps
    assert not {"flip_lr", "quarter_turn"} & {step.name for step in steps}
