"""Pictures are freed from what is no image, and from the colour of the light."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from anlage.modalities import Scaling, calibrate
from anlage.modalities._corrections import colour_constant, main_region

WHY = {"because": "the reason", "source": "R0"}


def beam(size=200, *, text=True):
    """Return an ultrasound sector with speckle, a dark cyst at its rim, and text beside it."""
    canvas = Image.new("L", (size, size))
    pen = ImageDraw.Draw(canvas)
    pen.pieslice((-40, -150, 240, 190), 55, 125, fill=150)
    if text:
        pen.text((4, 180), "5 cm", fill=255)
        pen.rectangle((190, 10, 197, 90), fill=200)
    picture = np.asarray(canvas, dtype=np.float32) / 255
    noise = np.random.default_rng(0).rayleigh(0.5, picture.shape)
    return np.clip(picture * noise, 0, 1).astype(np.float32)[None]


def test_text_and_bars_beside_the_beam_become_black_and_the_beam_stays():
    with_text, clean = beam(), beam(text=False)
    np.testing.assert_array_equal(main_region(with_text)[0, 178:195, 2:30], 0)
    np.testing.assert_array_equal(main_region(with_text)[0, 5:95, 186:], 0)
    np.testing.assert_array_equal(main_region(with_text)[clean > 0], clean[clean > 0])


def test_dark_parts_inside_and_at_the_rim_of_the_beam_stay_as_they_are():
    picture = beam(text=False)
    picture[0, 60:75, 90:110] = 0.01
    picture[0, 170:190, 95:105] = 0.02
    np.testing.assert_array_equal(main_region(picture), picture)


def test_a_picture_that_is_all_image_is_not_touched():
    picture = np.random.default_rng(0).uniform(0.2, 0.9, (3, 40, 60)).astype(np.float32)
    np.testing.assert_array_equal(main_region(picture), picture)


@pytest.mark.parametrize("value", [0.0, 0.02])
def test_a_dark_picture_is_not_touched(value):
    picture = np.full((1, 20, 30), value, dtype=np.float32)
    np.testing.assert_array_equal(main_region(picture), picture)


def test_a_small_bright_region_is_not_taken_for_the_image():
    picture = np.zeros((1, 60, 60), dtype=np.float32)
    picture[0, 5:20, 5:20] = 0.8
    picture[0, 40:44, 40:44] = 0.8
    np.testing.assert_array_equal(main_region(picture), picture)


def test_a_volume_is_not_touched():
    volume = np.random.default_rng(0).uniform(0, 1, (1, 6, 7, 8)).astype(np.float32)
    np.testing.assert_array_equal(main_region(volume), volume)


def test_large_pictures_are_cut_at_the_same_place():
    large = beam(600)
    kept = main_region(large)
    assert kept.shape == large.shape
    assert kept[0, 560:, :90].sum() == 0


# --- colour of the light -------------------------------------------------------------------


def skin():
    return np.random.default_rng(0).uniform(0.2, 0.8, (3, 24, 30)).astype(np.float32)


def test_a_tinted_light_is_taken_out():
    lamp = np.array([1.0, 0.8, 0.6], dtype=np.float32)[:, None, None]
    tinted, neutral = colour_constant(skin() * lamp), colour_constant(skin())
    ratios = [image / image.mean() for image in (tinted, neutral)]
    np.testing.assert_allclose(ratios[0], ratios[1], rtol=2e-3)


def test_light_is_the_minkowski_mean_of_order_six():
    picture = skin()
    light = np.array([np.mean(channel.astype(float) ** 6) ** (1 / 6) for channel in picture])
    wanted = np.clip(picture * (light.mean() / light)[:, None, None], 0, 1)
    np.testing.assert_allclose(colour_constant(picture), wanted, atol=1e-6)


def test_no_channel_changes_by_more_than_a_factor_of_two():
    picture = skin()
    picture[2] *= 0.01
    assert colour_constant(picture)[2].max() <= 2.001 * picture[2].max()


@pytest.mark.parametrize("picture", [skin()[:1], np.zeros((3, 4, 5), np.float32)])
def test_grey_and_black_pictures_stay_as_they_are(picture):
    np.testing.assert_array_equal(colour_constant(picture), picture)


# --- as part of calibration ----------------------------------------------------------------


@pytest.mark.parametrize("storage", ["uint8", "float16"])
def test_calibration_applies_what_the_kind_says(storage):
    pixels = (beam() * 255).astype(np.uint8)
    options = {"storage": storage, "bits": 8, "unit": "display"}
    plain = calibrate(pixels, kind="display", **options)
    cut = calibrate(pixels, kind="main_region", **options)
    assert cut.dtype == plain.dtype
    assert plain[0, 5:95, 186:].any()
    assert not cut[0, 5:95, 186:].any()
    inside = cut > 0
    np.testing.assert_array_equal(cut[inside], plain[inside])


def test_colours_are_corrected_where_the_kind_says_so():
    pixels = (skin() * np.array([1, 0.8, 0.6])[:, None, None] * 255).astype(np.uint8)
    options = {"storage": "uint8", "bits": 8, "unit": "display"}
    corrected = calibrate(pixels, kind="colour_constancy", **options).astype(float)
    spread = corrected.reshape(3, -1).mean(axis=1)
    assert np.ptp(spread) < 0.1 * spread.mean()


@pytest.mark.parametrize("kind", ["main_region", "colour_constancy"])
def test_such_pictures_are_stored_as_other_pictures_are(kind):
    scaling = Scaling(kind=kind, **WHY)
    assert scaling.storage(bits=8, unit="display") == "uint8"
    assert scaling.kind_of("uint8") == kind
