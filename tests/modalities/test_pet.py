"""Uptake is a measurement: SUV keep their meaning."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "pet")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("gamma", "bends the SUV scale"),
        ("bias_field", "fake uptake"),
        ("solarize", "hot lesions cold"),
        ("flip_ud", "bladder"),
        ("quarter_turn", "never turned by 90"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for pet: .*{reason}"):
        plan_of("pet", {view: {}}, channels=3)


def test_uptake_is_read_in_suv_with_windows_by_task():
    assert POLICY.scaling.kind == "suv"
    assert POLICY.scaling.window(None) == (0, 20)
    assert POLICY.scaling.window("low") == (0, 7)


def test_front_and_back_stay_where_they_are(plan_of):
    with pytest.raises(ConfigError, match="view flip_ap is forbidden for pet"):
        plan_of("pet", {"flip_ap": {}}, dims=3)


def test_counts_make_the_noise(plan_of):
    steps = {step.name for step in plan_of("pet", dims=3).steps}
    assert {"poisson_noise", "gaussian_blur"} <= steps
    assert "brightness_contrast" not in steps


def test_response_is_not_made_a_positive_pair():
    assert any("therapy" in words for words in POLICY.pairs.never)


# --- what the views do to values ---


WINDOW = (0.0, 20.0)


@pytest.mark.parametrize("organ_suv", [2.0, 5.0, 12.0])
def test_a_plan_never_moves_the_mean_of_an_organ_by_much_suv(plan_of, drifts_of, organ_suv):
    """No view of the default plan moves a mean: what is left is noise over 64 pixels."""
    plan = plan_of("pet")
    drifts = drifts_of(plan, organ_suv, window=WINDOW)
    assert drifts[0] <= 0.4
    assert drifts.median() < 0.1


def test_at_its_limits_calibration_drifts_by_what_the_policy_states(plan_of, drifts_of):
    limits = POLICY.views["brightness_contrast"].limits
    views = {"brightness_contrast": {**limits, "p": 1.0}}
    stated = 20 * (limits["brightness"] + 0.5 * limits["contrast"])
    assert drifts_of(plan_of("pet", views), 5.0, window=WINDOW)[0] <= stated + 0.4
