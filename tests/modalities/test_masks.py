"""The unit of a mask: a share of the view, and millimetres where the images know theirs."""

import numpy as np
import pytest

from anlage.errors import ConfigError
from anlage.modalities import Corruption, MaskChoice, view_pixel_mm
from anlage.types import ViewSpec

WHY = {"because": "the reason", "source": "R0"}
MASKED = ViewSpec(num_views=1, is_masked=True)


@pytest.fixture
def masking(make_policy, plan_of):
    """Make the masking of a policy that hides an eighth of the edge, and at most 8 mm."""

    def make(pixel_mm, *, size=(64, 64), spec=MASKED, most_mm=8.0, patch=None, **choice):
        policy = make_policy(corruption=Corruption(ratio=0.6, unit=0.125, unit_mm=most_mm, **WHY))
        return plan_of(
            policy,
            size=size,
            spec=spec,
            patch=patch,
            pixel_mm=pixel_mm,
            mask=MaskChoice(**choice),
        ).masking

    return make


# --- the size of a view's pixel ------------------------------------------------------------


def test_a_pixel_of_a_view_grows_with_what_is_shrunk_and_shrinks_with_crops():
    spacings = [[0.5, 0.5], [0.5, 0.5], [0.7, 0.5]]
    assert view_pixel_mm(spacings, region=(512, 256), size=(64, 64)) == (4, 2)
    cropped = view_pixel_mm(spacings, region=(512, 256), size=(64, 64), crop_scale=(0.25, 0.25))
    np.testing.assert_allclose(cropped, (2, 1))


def test_crops_of_volumes_lose_a_cube_root_per_axis():
    pixel = view_pixel_mm(np.ones((4, 3)), region=(32,) * 3, size=(32,) * 3, crop_scale=(0.5, 1.0))
    np.testing.assert_allclose(pixel, [0.5 ** (1 / 6)] * 3)


@pytest.mark.parametrize(("dims", "known"), [(2, False), (3, True)])
def test_pictures_whose_pixels_all_measure_one_are_of_unknown_size(dims, known):
    found = view_pixel_mm(np.ones((5, dims)), region=(8,) * dims, size=(8,) * dims)
    assert (found is not None) == known


def test_one_picture_with_a_spacing_is_enough_to_believe_it():
    assert view_pixel_mm([[1, 1], [0.5, 0.5], [0.5, 0.5]], region=(8, 8), size=(8, 8)) == (0.5, 0.5)


# --- the modality's unit -------------------------------------------------------------------


def test_without_a_spacing_the_unit_is_a_share_of_the_view(masking):
    assert masking(None).unit == 8


@pytest.mark.parametrize(("pixel", "unit"), [(0.5, 8), (1.0, 8), (2.0, 4), (4.0, 2), (40.0, 1)])
def test_with_a_spacing_a_block_is_no_larger_than_its_millimetres(masking, pixel, unit):
    assert masking((pixel, pixel)).unit == unit


def test_a_modality_without_millimetres_keeps_the_share(masking):
    assert masking((4.0, 4.0), most_mm=None).unit == 8


def test_thick_voxels_are_fewer_in_a_block(masking):
    assert masking((2.0, 2.0, 4.0), size=(64, 64, 64)).unit == (4, 4, 2)
    assert masking((1.0, 1.0, 4.0), size=(64, 64, 32)).unit == (4, 4, 2)


def test_a_block_is_never_less_than_a_patch(masking):
    assert masking((4.0, 4.0), patch=8).unit == 8
    assert masking((2.0, 2.0), patch=2).unit == 4


def test_a_methods_own_unit_goes_before_the_modalitys(masking):
    wants = ViewSpec(num_views=1, is_masked=True, mask_unit=16)
    assert masking((4.0, 4.0), spec=wants).unit == 16


# --- a recipe's unit -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit_mm", "unit"), [(16.0, 8), (8.0, 4), (30.0, 16), (2.0, 1), (500.0, 32), (0.1, 1)]
)
def test_a_recipes_millimetres_are_kept_up_to_half_a_view(masking, unit_mm, unit):
    spec = ViewSpec(num_views=1, is_masked=True, mask_unit=16)
    assert masking((2.0, 2.0), spec=spec, unit_mm=unit_mm).unit == unit


def test_millimetres_of_unknown_pixels_are_refused(masking):
    with pytest.raises(ConfigError, match=r"pixel size is known, got 5 mm .* unit in pixels"):
        masking(None, unit_mm=5.0)


def test_a_unit_is_given_once(masking):
    with pytest.raises(ConfigError, match="given once, got unit 4 pixels and unit_mm 5"):
        masking((1.0, 1.0), unit=4, unit_mm=5.0)


def test_millimetres_that_no_divisor_comes_near_are_refused(masking):
    with pytest.raises(ConfigError, match="have only 17 as common divisor"):
        masking((1.0, 1.0), size=(17, 17), unit_mm=5.0)


# --- a ratio that changes ------------------------------------------------------------------


def test_a_ratio_may_start_elsewhere_and_reach_its_value(masking):
    plan = masking(None, ratio=0.75, start_ratio=0.25, ramp=0.5)
    shares = [plan.ratio_at(progress) for progress in (0, 0.25, 0.5, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.75, 0.75])
    assert masking(None).ratio_at(0) == 0.6
