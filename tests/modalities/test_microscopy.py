"""Cells: no pose, and dyes that keep their colour (rule R34)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "microscopy")


def test_what_has_no_pose_is_turned_and_mirrored_freely(plan_of):
    chances = {step.name: step.p for step in plan_of("microscopy").steps}
    assert chances["quarter_turn"] == 1
    assert chances["flip_lr"] == 0.5
    asked = plan_of("microscopy", {"flip_ud": {}, "rotate": {"degrees": 180}})
    assert {"flip_ud", "rotate"} <= {step.name for step in asked.steps}


@pytest.mark.parametrize(("view", "channels"), [("grayscale", 3), ("solarize", 1)])
def test_what_takes_or_fakes_a_stain_is_refused(plan_of, view, channels):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for microscopy"):
        plan_of("microscopy", {view: {}}, channels=channels)


def test_grey_is_refused_because_colour_tells(plan_of):
    with pytest.raises(ConfigError, match="dye colour tells"):
        plan_of("microscopy", {"grayscale": {}}, channels=3)


def test_colours_vary_as_batches_of_dye_do_and_no_further(plan_of):
    assert "hue_saturation" in [step.name for step in plan_of("microscopy", channels=3).steps]
    with pytest.raises(ConfigError, match="hue_degrees up to 15 for microscopy, got 30"):
        plan_of("microscopy", {"hue_saturation": {"hue_degrees": 30}}, channels=3)


def test_more_is_hidden_than_in_scans_since_texture_repeats():
    assert POLICY.corruption.ratio == 0.75
    assert POLICY.scaling.kind == "display"
