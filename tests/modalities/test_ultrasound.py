"""Ultrasound: depth runs down, and grain is multiplicative (rule R35)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "ultrasound")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("flip_ud", "depth runs down"),
        ("quarter_turn", "depth would no longer run down"),
        ("hue_saturation", "Doppler colour is a measurement"),
        ("solarize", "into black fluid"),
    ],
)
def test_what_breaks_the_physics_of_echoes_is_refused(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for ultrasound: .*{reason}"):
        plan_of("ultrasound", {view: {}}, channels=3)


def test_a_probe_is_tilted_by_a_few_degrees_alone(plan_of):
    with pytest.raises(ConfigError, match="degrees up to 20 for ultrasound, got 25"):
        plan_of("ultrasound", {"rotate": {"degrees": 25}})


@pytest.mark.parametrize("change", [{"grain": 5}, {"sigma": 0.6}])
def test_speckle_stays_finer_and_weaker_than_lesions(plan_of, change):
    assert "speckle" in [step.name for step in plan_of("ultrasound").steps]
    (key,) = change
    with pytest.raises(ConfigError, match=f"speckle may have {key} up to"):
        plan_of("ultrasound", {"speckle": change})


def test_crops_keep_a_lesion_with_its_shadow():
    assert POLICY.crop.scale[0] >= 0.5
    assert POLICY.crop.least_scale >= 0.3


def test_marks_of_the_examiner_are_named_as_a_shortcut():
    assert any("calipers" in shortcut.what for shortcut in POLICY.shortcuts)
