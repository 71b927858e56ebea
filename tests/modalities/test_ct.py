"""Hounsfield units keep their meaning (rule R32)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "ct")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("gamma", "bends the Hounsfield scale"),
        ("bias_field", "no receive coil"),
        ("solarize", "bone into air"),
        ("hue_saturation", "no colour"),
        ("flip_ud", "gravity and anatomy"),
        ("flip_ap", "gravity acts from front to back"),
        ("quarter_turn", "never on their head"),
    ],
)
@pytest.mark.parametrize("dims", [2, 3])
def test_what_changes_the_meaning_of_a_value_or_a_place_is_refused(plan_of, view, reason, dims):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for ct: .*{reason}"):
        plan_of("ct", {view: {}}, dims=dims, channels=3)


def test_values_move_by_no_more_than_a_tenth_of_the_window():
    limits = POLICY.views["brightness_contrast"].limits
    assert limits["brightness"] <= 0.05
    assert limits["contrast"] <= 0.1


def test_noise_and_kernel_are_varied_as_dose_and_reconstruction_do(plan_of):
    steps = {step.name for step in plan_of("ct", dims=3).steps}
    assert {"gaussian_noise", "gaussian_blur", "rotate"} <= steps


def test_windows_are_those_of_the_rule_and_the_wide_one_is_the_default():
    scaling = POLICY.scaling
    assert scaling.kind == "hu"
    assert scaling.window(None) == scaling.window("wide") == (-500, 500)
    assert scaling.window("soft") == (-175, 250)
    assert scaling.window("lung") == (-1000, 400)
    assert scaling.window("full") == (-1024, 3071)


def test_a_mirror_is_only_tolerated_since_organs_have_sides():
    assert POLICY.views["flip_lr"].level == "mild"


def test_crops_keep_nodules():
    assert POLICY.crop.scale[0] >= 0.5
    assert POLICY.crop.least_scale >= 0.2


# --- what the views do to values ---


WINDOW = (-500.0, 500.0)


@pytest.mark.parametrize("organ_hu", [-300.0, 40.0, 300.0])
def test_a_plan_never_moves_the_mean_of_an_organ_further_than_the_policy_states(
    plan_of, drifts_of, organ_hu
):
    """Brightness, contrast about the mean, and cupping are all that may move a mean."""
    plan = plan_of("ct")
    tone, cupping = POLICY.views["brightness_contrast"], POLICY.views["beam_hardening"]
    stated = tone.params["brightness"] + 0.5 * tone.params["contrast"] + cupping.params["depth"]
    drifts = drifts_of(plan, organ_hu, window=WINDOW)
    assert drifts[0] <= 1000 * stated + 10  # 10 HU: what is left of noise over 64 pixels
    assert drifts.median() < 25


def test_at_their_limits_views_still_keep_the_tissue(plan_of, drifts_of):
    views = {name: POLICY.views[name].limits for name in ("brightness_contrast", "beam_hardening")}
    plan = plan_of("ct", views)
    limits = POLICY.views["brightness_contrast"].limits
    stated = limits["brightness"] + 0.5 * limits["contrast"]
    stated += POLICY.views["beam_hardening"].limits["depth"]
    assert drifts_of(plan, 40.0, window=WINDOW)[0] <= 1000 * stated + 10


def test_a_nonlinear_change_of_hounsfield_units_would_be_noticed(plan_of, drifts_of):
    plan = plan_of("histology", {"gamma": {"p": 1.0, "power": 2.0}})
    assert drifts_of(plan, 40.0, window=WINDOW)[0] > 150
