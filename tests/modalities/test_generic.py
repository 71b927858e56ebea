"""Without a known modality only careful changes are made (rule R41)."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError

POLICY = plugins.load("modalities", "generic")


def test_nothing_is_mirrored_or_turned_far_unless_a_recipe_says_so(plan_of):
    steps = {step.name for step in plan_of("generic").steps}
    assert not steps & {"flip_lr", "flip_ud", "flip", "quarter_turn"}
    assert "flip_lr" in [step.name for step in plan_of("generic", {"flip_lr": {}}).steps]


def test_no_view_is_advised():
    assert {rule.level for rule in POLICY.views.values()} == {"mild", "avoid"}


def test_no_device_inverts_the_bright_half_of_its_scale(plan_of):
    with pytest.raises(ConfigError, match="solarize is forbidden for generic: no imaging device"):
        plan_of("generic", {"solarize": {}})


def test_no_other_modality_crops_less():
    others = [name for name in plugins.available("modalities") if name != "generic"]
    least = {name: plugins.load("modalities", name).crop.scale[0] for name in others}
    assert max(least.values()) <= POLICY.crop.scale[0]


def test_it_advises_to_name_the_modality():
    assert any("Name the modality" in note for note in POLICY.notes)
