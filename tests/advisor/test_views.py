"""Views are the policy's own, less what the task forbids."""

import pytest

from anlage import plugins
from anlage.advisor import Profile
from anlage.advisor.views import masking, policy_of, view_choice


@pytest.mark.parametrize("modality", plugins.available("modalities"))
@pytest.mark.parametrize("has_side", [True, False])
def test_only_views_of_the_policy_are_used(modality, has_side):
    policy = plugins.load("modalities", modality)
    found = view_choice(Profile(modality=modality, has_side=has_side, dims=2))
    assert set(found.used) <= set(policy.views)
    assert not set(found.used) & set(policy.forbidden)
    assert all(policy.views[name].level != "avoid" for name in found.used)
    assert found.crop_scale[0] >= policy.crop.least_scale


def test_a_label_with_a_side_takes_mirrors_away():
    plain, sided = (
        view_choice(Profile(modality="cxr", dims=2, has_side=side)) for side in (None, True)
    )
    assert "flip_lr" in plain.used
    assert "flip_lr" not in sided.used
    assert "R31" in sided.left_out["flip_lr"]
    assert sided.needs == ("laterality",)


def test_a_small_signal_makes_crops_larger():
    wide = view_choice(Profile(modality="ct", signal="global"))
    tight = view_choice(Profile(modality="ct", signal="local"))
    assert tight.crop_scale[0] > wide.crop_scale[0]


def test_blocks_are_at_most_half_a_lesion():
    found = masking(Profile(modality="generic", lesion_mm=12.0, spacing_mm=(1.0, 1.0)))
    assert found.unit_mm is not None
    assert found.unit_mm <= 6.0


def test_without_millimetres_blocks_are_left_to_the_policy():
    assert masking(Profile(modality="generic", lesion_mm=12.0)).unit_mm is None


def test_a_modality_without_a_policy_is_read_as_generic(monkeypatch):
    monkeypatch.setattr(plugins, "available", lambda room: ("generic",))
    assert policy_of(Profile(modality="cxr"))[0] == "generic"
