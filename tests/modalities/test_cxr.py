"""A chest X-ray stands upright and keeps its fine lines (rules R30, R31)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "cxr")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("flip_ud", "never upside down"),
        ("quarter_turn", "large angles do not occur"),
        ("hue_saturation", "no colour"),
        ("solarize", "swaps bone with air"),
        ("gaussian_blur", "interstitial disease"),
    ],
)
def test_what_a_chest_never_shows_is_refused(plan_of, view, reason):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for cxr: .*{reason}"):
        plan_of("cxr", {view: {}}, channels=3)


def test_patients_stand_a_little_tilted(plan_of):
    (step,) = [step for step in plan_of("cxr").steps if step.name == "rotate"]
    assert step.transform.config.degrees == 10
    with pytest.raises(ConfigError, match="degrees up to 30 for cxr, got 45"):
        plan_of("cxr", {"rotate": {"degrees": 45}})


def test_a_mirror_is_only_tolerated_since_labels_name_sides():
    assert POLICY.views["flip_lr"].level == "mild"
    assert any("R31" in note for note in POLICY.notes)


def test_the_whole_range_of_a_picture_is_seen():
    assert POLICY.scaling.kind == "display"
    assert POLICY.scaling.windows == {}


def test_crops_keep_nodules_and_effusions():
    assert POLICY.crop.scale[0] >= 0.5
    assert POLICY.crop.least_scale >= 0.2
