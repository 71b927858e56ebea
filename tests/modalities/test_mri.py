"""Magnetic resonance: numbers without a unit, coils that shade (rule R33)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "mri")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("hue_saturation", "no colour"),
        ("solarize", "no sequence has"),
        ("flip_ud", "an up and a down"),
        ("flip_ap", "do not mirror each other"),
        ("quarter_turn", "never turned by 90 degrees"),
    ],
)
@pytest.mark.parametrize("dims", [2, 3])
def test_what_no_scanner_makes_is_refused(plan_of, view, reason, dims):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for mri: .*{reason}"):
        plan_of("mri", {view: {}}, dims=dims, channels=3)


def test_coils_sequences_and_fields_are_varied(plan_of):
    steps = {step.name for step in plan_of("mri", dims=3).steps}
    assert {"bias_field", "gamma", "brightness_contrast", "gaussian_noise"} <= steps


@pytest.mark.parametrize("change", [{"order": 4}, {"coefficient": 0.8}])
def test_a_shading_stays_as_smooth_and_weak_as_a_coils(plan_of, change):
    (key,) = change
    with pytest.raises(ConfigError, match=f"bias_field may have {key} up to"):
        plan_of("mri", {"bias_field": change})


def test_intensity_has_no_absolute_meaning():
    assert POLICY.scaling.kind == "foreground_zscore"
    assert POLICY.scaling.windows == {}


def test_a_mirror_is_only_tolerated_since_labels_name_sides():
    assert POLICY.views["flip_lr"].level == "mild"
