"""Layers have an order, and speckle changes from scan to scan (rule R38)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "oct")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("flip_ud", "vitreous above"),
        ("quarter_turn", "side to side"),
        ("hue_saturation", "no colour"),
        ("solarize", "dark fluid"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for oct: .*{reason}"):
        plan_of("oct", {view: {}}, channels=3)


@pytest.mark.parametrize("dims", [2, 3])
def test_speckle_and_sides_vary(plan_of, dims):
    assert {"speckle", "flip_lr"} <= {step.name for step in plan_of("oct", dims=dims).steps}


def test_layers_slant_by_a_few_degrees_alone(plan_of):
    with pytest.raises(ConfigError, match="degrees up to 15 for oct, got 20"):
        plan_of("oct", {"rotate": {"degrees": 20}})


def test_shadows_of_vessels_fall_down_so_they_are_for_sections_alone(plan_of):
    assert "shadow" in [step.name for step in plan_of("oct", dims=2).steps]
    assert "shadow" not in [step.name for step in plan_of("oct", dims=3).steps]


def test_three_quarters_are_hidden():
    assert POLICY.corruption.ratio == 0.75
