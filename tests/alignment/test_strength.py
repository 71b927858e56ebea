"""One dial per transform, against numbers worked out by hand."""

import pytest

from anlage import plugins
from anlage.alignment.strength import (
    alone,
    crop_alone,
    scaled_crop,
    scaled_settings,
    settings_of,
    strengths_of,
    transform_name,
)
from anlage.transforms.masking import MaskPlan
from anlage.transforms.views import Intensities, Step, ViewPlan

MASK = plugins.load("transforms/masks", "random")


def step_of(transform, p=0.3, name=None, **settings):
    plugin = plugins.load("transforms", transform)
    return Step(name=name or transform, p=p, transform=plugin(plugin.Config(**settings)))


def plan_of(*steps):
    return ViewPlan(
        size=(16, 16),
        intensities=Intensities(low=0, high=1, mean=(0.0,), std=(1.0,)),
        crop_scale=(0.4, 0.9),
        crop_aspect=(0.8, 1.25),
        steps=steps,
        masking=MaskPlan(mask=MASK(), ratio=0.5, unit=4),
    )


def test_what_does_nothing_at_zero_is_multiplied():
    step = step_of("brightness_contrast", brightness=0.1, contrast=0.2)
    assert scaled_settings(step, 0.5) == pytest.approx({"brightness": 0.05, "contrast": 0.1})
    assert scaled_settings(step, 2.0) == pytest.approx({"brightness": 0.2, "contrast": 0.4})


def test_what_does_nothing_at_one_is_raised_to_a_power():
    assert scaled_settings(step_of("gamma", power=2.25), 0.5) == pytest.approx({"power": 1.5})
    affine = scaled_settings(step_of("affine", scale=1.21, shear_degrees=4.0), 0.5)
    assert affine == pytest.approx({"scale": 1.1, "shear_degrees": 2.0})


def test_a_policys_limit_ends_the_dial_upwards_and_never_lowers_what_is_set():
    assert scaled_settings(step_of("gamma", power=2.0), 2.0, modality="mri") == {"power": 3.0}
    assert scaled_settings(step_of("gamma", power=2.0), 2.0) == {"power": 4.0}
    assert scaled_settings(step_of("gamma", power=3.5), 2.0, modality="mri") == {}
    assert scaled_settings(step_of("gamma", power=4.0), 0.5, modality="mri") == {"power": 2.0}


def test_a_strength_that_a_transform_refuses_is_approached():
    """Contrast must stay below 1: twice 0.6 and 1.75 times are refused, 1.5 times is not."""
    step = step_of("brightness_contrast", brightness=0.1, contrast=0.6)
    assert scaled_settings(step, 2.0) == pytest.approx({"brightness": 0.15, "contrast": 0.9})
    most = step_of("brightness_contrast", brightness=0.1, contrast=0.9)
    assert scaled_settings(most, 2.0) == {}


def test_a_mirror_has_no_strength_and_nothing_at_all_has_none_left():
    assert strengths_of("flip") == ()
    assert scaled_settings(step_of("flip", axis="lr"), 0.5) == {}
    still = step_of("brightness_contrast", brightness=0.0, contrast=0.0)
    assert scaled_settings(still, 2.0) == {}


def test_strengths_are_what_policies_limit_under_any_name_of_the_step():
    step = step_of("gamma", name="bend", power=1.5)
    assert transform_name(step) == "gamma"
    assert settings_of(step) == {"power": 1.5}
    assert strengths_of("gamma") == ("power",)
    assert {"brightness", "contrast"} <= set(strengths_of("brightness_contrast"))


def test_alone_a_step_is_made_in_every_view_and_nothing_else_is():
    gamma, flip = step_of("gamma", power=1.5), step_of("flip", p=0.5)
    plan = plan_of(flip, gamma)
    only = alone(plan, gamma, {"power": 2.0})
    assert [(one.name, one.p, settings_of(one)) for one in only.steps] == [
        ("gamma", 1.0, {"power": 2.0})
    ]
    assert (only.crop_scale, only.crop_aspect, only.masking) == ((1.0, 1.0), (1.0, 1.0), None)
    assert settings_of(gamma) == {"power": 1.5}
    assert alone(plan, flip).steps[0].p == 0.5  # made always, a mirror would hide nothing


def test_a_crop_alone_keeps_its_own_scale_unless_told_another():
    plan = plan_of(step_of("gamma"))
    only = crop_alone(plan)
    assert (only.steps, only.masking) == ((), None)
    assert (only.crop_scale, only.crop_aspect) == ((0.4, 0.9), (0.8, 1.25))
    assert crop_alone(plan, (0.7, 0.8)).crop_scale == (0.7, 0.8)


@pytest.mark.parametrize(
    ("factor", "found"), [(0.5, (0.6, 1.0)), (1.0, (0.2, 1.0)), (2.0, (0.05, 1.0)), (0.0, (1, 1))]
)
def test_a_crop_leaves_out_so_many_times_as_much_and_keeps_a_twentieth(factor, found):
    assert scaled_crop((0.2, 1.0), factor) == found
