"""What a recipe, a method and a policy make together."""

import pytest

from anlage.errors import ConfigError
from anlage.modalities import Augmentation, MaskChoice, ViewRule
from anlage.types import ViewSpec

WHY = {"because": "the reason", "source": "R0"}
MASKED = ViewSpec(num_views=1, is_masked=True)


def rule(transform, p=0.5, **options):
    return ViewRule(transform=transform, p=p, **WHY, **options)


def test_steps_carry_probability_and_settings_in_the_policys_order(make_policy, plan_of):
    policy = make_policy(
        views={
            "rotate": rule("rotate", 0.7, params={"degrees": 5}),
            "gamma": rule("gamma", 0.2, params={"power": 3.0}),
        }
    )
    first, second = plan_of(policy).steps
    assert (first.name, first.p, first.transform.config.degrees) == ("rotate", 0.7, 5)
    assert (second.name, second.p, second.transform.config.power) == ("gamma", 0.2, 3.0)


def test_a_recipe_changes_probability_and_settings(make_policy, plan_of):
    policy = make_policy(views={"gamma": rule("gamma", 0.2, params={"power": 3.0})})
    (step,) = plan_of(policy, {"gamma": {"p": 0.9, "power": 2.0}}).steps
    assert (step.p, step.transform.config.power) == (0.9, 2.0)


def test_an_unknown_setting_of_a_view_names_the_nearest(make_policy, plan_of):
    with pytest.raises(ConfigError, match=r"view gamma: .*'powr'\. Did you mean 'power'"):
        plan_of(make_policy(), {"gamma": {"powr": 2.0}})


def test_a_view_is_used_in_its_own_dimensions_alone(make_policy, plan_of):
    policy = make_policy(views={"rotate": rule("rotate", dims=(3,)), "gamma": rule("gamma")})
    assert [step.name for step in plan_of(policy, dims=2).steps] == ["gamma"]
    assert [step.name for step in plan_of(policy, dims=3).steps] == ["rotate", "gamma"]


@pytest.mark.parametrize("dims", [2, 3])
def test_size_and_calibration_are_handed_on(make_policy, plan_of, dims):
    size = (12, 20, 8)[:dims]
    plan = plan_of(make_policy(), size=size, channels=3)
    assert plan.size == size
    assert plan.intensities.mean == (0.0, 0.0, 0.0)


# --- colour --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grayscale", "hue_saturation"])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_asking_for_colours_of_grey_images_is_refused(make_policy, plan_of, name, channels):
    wanted = f"view {name} cannot be used for these images: it changes colours of 3 channels, and"
    with pytest.raises(ConfigError, match=f"{wanted} they have {channels}. Remove it"):
        plan_of(make_policy(), {name: {}}, channels=channels)


def test_a_policys_own_colour_view_is_left_out_for_grey_images(make_policy, plan_of):
    policy = make_policy(views={"hue_saturation": rule("hue_saturation"), "gamma": rule("gamma")})
    assert [step.name for step in plan_of(policy, channels=1).steps] == ["gamma"]
    assert [step.name for step in plan_of(policy, channels=3).steps] == ["hue_saturation", "gamma"]


# --- crops ---------------------------------------------------------------------------------


def test_the_policys_crop_is_the_default(make_policy, plan_of):
    policy = make_policy()
    assert plan_of(policy).crop_scale == policy.crop.scale
    assert plan_of(policy).crop_aspect == policy.crop.aspect
    assert plan_of(policy, crop_scale=(0.2, 0.3)).crop_scale == (0.2, 0.3)


@pytest.mark.parametrize("scale", [(0.19, 1.0), (0.6, 0.5), (0.5, 1.01), (-1.0, 1.0)])
def test_a_crop_out_of_order_or_range_is_refused(make_policy, plan_of, scale):
    with pytest.raises(ConfigError, match=r"between 0\.2 and 1 for test, got .* Crop less"):
        plan_of(make_policy(), crop_scale=scale)


# --- masks ---------------------------------------------------------------------------------


def masking_of(plan_of, policy, *, size=(16, 24), spec=MASKED, patch=None, **choice):
    return plan_of(policy, size=size, spec=spec, patch=patch, mask=MaskChoice(**choice)).masking


def test_only_masked_methods_get_masks(make_policy, plan_of):
    assert plan_of(make_policy(), spec=ViewSpec()).masking is None
    assert plan_of(make_policy(), spec=MASKED).masking is not None


def test_the_share_is_the_recipes_or_the_methods_or_the_policys(make_policy, plan_of):
    policy = make_policy()  # hides 0.6
    wants = ViewSpec(num_views=1, is_masked=True, mask_ratio=0.7)
    assert masking_of(plan_of, policy).ratio == 0.6
    assert masking_of(plan_of, policy, spec=wants).ratio == 0.7
    assert masking_of(plan_of, policy, spec=wants, ratio=0.8).ratio == 0.8


def test_the_unit_is_the_recipes_or_the_methods_or_the_policys(make_policy, plan_of):
    policy = make_policy()  # a quarter of the shortest edge
    wants = ViewSpec(num_views=1, is_masked=True, mask_unit=8)
    assert masking_of(plan_of, policy).unit == 4
    assert masking_of(plan_of, policy, spec=wants).unit == 8
    assert masking_of(plan_of, policy, spec=wants, unit=2).unit == 2


@pytest.mark.parametrize(
    ("size", "patch", "unit"),
    [((16, 24), None, 4), ((16, 24), 8, 8), ((48, 48), 8, 8), ((64, 64, 64), 8, 16),
     ((20, 20), None, 5), ((32, 32), 4, 8), ((24, 36), 6, 6), ((12, 24), 12, 12)],
)  # fmt: skip
def test_the_unit_is_a_multiple_of_the_patch_that_divides_the_view(
    make_policy, plan_of, size, patch, unit
):
    assert masking_of(plan_of, make_policy(), size=size, patch=patch).unit == unit


@pytest.mark.parametrize(
    ("size", "patch", "unit"),
    [((16, 24), 8, 4), ((16, 24), None, 5), ((16, 16), None, 16), ((16, 24), None, 16)],
)
def test_a_unit_that_does_not_fit_is_refused(make_policy, plan_of, size, patch, unit):
    with pytest.raises(ConfigError, match=rf"mask unit must be a multiple .* got {unit}\. Choose"):
        masking_of(plan_of, make_policy(), size=size, patch=patch, unit=unit)


def test_edges_without_a_fitting_divisor_are_refused(make_policy, plan_of):
    with pytest.raises(ConfigError, match=r"\[15, 16\] have only 1 as common divisor"):
        masking_of(plan_of, make_policy(), size=(15, 16))


def test_kind_and_options_choose_the_mask(make_policy, plan_of):
    block = masking_of(plan_of, make_policy(), kind="block", options={"num_blocks": 5})
    assert block.mask.config.num_blocks == 5
    assert type(masking_of(plan_of, make_policy()).mask).__name__ == "RandomMask"


def test_an_unknown_mask_or_option_names_the_nearest(make_policy, plan_of):
    with pytest.raises(ConfigError, match=r"there is no mask 'blok'\. Did you mean 'block'"):
        masking_of(plan_of, make_policy(), kind="blok")
    with pytest.raises(ConfigError, match=r"mask block: .*'blocks'"):
        masking_of(plan_of, make_policy(), kind="block", options={"blocks": 2})


def test_a_mask_is_no_transform(make_policy, plan_of):
    with pytest.raises(ConfigError, match="there is no mask 'gamma'"):
        masking_of(plan_of, make_policy(), kind="gamma")


@pytest.mark.parametrize("change", [{"ratio": 0.0}, {"ratio": 1.0}, {"unit": 0}])
def test_a_share_or_unit_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        MaskChoice.parse(change, where="mask")


def test_a_misspelt_setting_of_a_recipe_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'crop_scle'\. Did you mean 'crop_scale'"):
        Augmentation.parse({"crop_scle": [0.5, 1.0]}, where="recipe")
