"""Single bright pixels matter, and breasts have a side (rule R40)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "mammography")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("gaussian_blur", "microcalcifications"),
        ("low_resolution", "microcalcifications"),
        ("quarter_turn", "chest wall"),
        ("hue_saturation", "no colour"),
        ("solarize", "calcium"),
    ],
)
def test_what_destroys_the_signal_is_refused_with_the_reason(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for mammography: .*{reason}"):
        plan_of("mammography", {view: {}}, channels=3)


def test_a_breast_is_mirrored_unless_its_side_is_the_label(plan_of):
    assert "flip_lr" in [step.name for step in plan_of("mammography").steps]
    sided = plan_of("mammography", task_needs=("laterality",))
    assert "flip_lr" not in [step.name for step in sided.steps]


@pytest.mark.parametrize("view", ["gaussian_noise", "flip_ud", "elastic", "cutout"])
def test_what_resembles_cancer_or_no_breast_is_off(plan_of, view):
    assert POLICY.views[view].level == "avoid"
    assert view not in [step.name for step in plan_of("mammography").steps]


def test_markers_beside_the_breast_are_not_kept():
    assert POLICY.scaling.kind == "main_region"


def test_two_breasts_are_never_a_positive_pair():
    assert any("right breast" in words for words in POLICY.pairs.never)
