"""Raw values -> stored values -> unit interval, for every kind of modality."""

import numpy as np
import pytest
import torch
from monai.transforms import ScaleIntensityRange
from torchio import ScalarImage, ZNormalization

from anlage import plugins
from anlage.errors import ConfigError, DataError
from anlage.modalities import Scaling, calibrate, unit_range
from anlage.transforms.views import Intensities

WHY = {"because": "the reason", "source": "R0"}


def scaling(kind, **options):
    return Scaling(kind=kind, **WHY, **options)


def random(*shape, low=0.0, high=1.0):
    return np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)


# --- the stored type -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "bits", "unit", "storage"),
    [
        ("hu", 12, "hu", "int16"),
        ("hu", 0, "hu", "int16"),
        ("hu", 8, "display", "uint8"),  # windowed pictures of CT are pictures
        ("hu", 16, "arbitrary", "float16"),
        ("display", 8, "display", "uint8"),
        ("display", 1, "display", "uint8"),
        ("display", 12, "display", "float16"),
        ("display", 16, "hu", "float16"),
        ("foreground_zscore", 8, "display", "float16"),
        ("foreground_zscore", 16, "arbitrary", "float16"),
    ],
)
def test_values_are_stored_in_the_smallest_type_that_keeps_their_meaning(kind, bits, unit, storage):
    assert scaling(kind).storage(bits=bits, unit=unit) == storage


# --- Hounsfield units ----------------------------------------------------------------------


def hounsfield(values):
    return calibrate(np.array([values]), kind="hu", storage="int16", bits=12, unit="hu")


def test_hounsfield_units_stay_hounsfield_units():
    every = np.arange(-1024, 3072, dtype=np.int16)
    stored = hounsfield(every)
    assert stored.dtype == np.int16
    np.testing.assert_array_equal(stored[0], every)


def test_hounsfield_units_are_rounded_and_clipped_to_what_scanners_give():
    stored = hounsfield([-3000.0, -1024.4, -0.6, 0.4, 99.5, 3071.2, 9000.0])
    assert stored[0].tolist() == [-1024, -1024, -1, 0, 100, 3071, 3071]


def test_clipping_comes_before_the_small_type_so_that_nothing_wraps_around():
    assert hounsfield([70_000.0, -70_000.0, 32_769.0])[0].tolist() == [3071, -1024, 3071]


@pytest.mark.parametrize("unit", ["display", "arbitrary"])
def test_pictures_do_not_enter_a_store_of_hounsfield_units(unit):
    with pytest.raises(DataError, match=rf"holds Hounsfield units, but these values are {unit}"):
        calibrate(random(1, 4, 4), kind="hu", storage="int16", bits=8, unit=unit)


@pytest.mark.parametrize("name", [None, *plugins.load("modalities", "ct").scaling.windows])
def test_a_window_maps_hounsfield_units_as_monai_does(name):
    ct = plugins.load("modalities", "ct").scaling
    low, high = unit_range(kind="hu", storage="int16", window=ct.window(name))
    stored = hounsfield(np.linspace(-1100, 3200, 500))
    unit = Intensities(low=low, high=high, mean=(0.0,), std=(1.0,)).to_unit(
        torch.from_numpy(stored)
    )
    expected = ScaleIntensityRange(low, high, 0.0, 1.0, clip=True)(torch.from_numpy(stored))
    torch.testing.assert_close(unit, expected.as_tensor(), atol=1e-6, rtol=0)
    assert unit.min() == 0
    assert unit.max() == 1


def test_ct_windows_are_those_of_the_rules_and_the_first_is_the_default():
    ct = plugins.load("modalities", "ct").scaling
    assert ct.window(None) == ct.window("wide") == (-500, 500)
    assert ct.window("soft") == (-175, 250)
    assert ct.window("lung") == (-1000, 400)
    assert ct.window("full") == (-1024, 3071)


def test_an_unknown_window_lists_the_known():
    two = scaling("hu", windows={"soft": (0.0, 1.0), "bone": (0.0, 2.0)})
    with pytest.raises(ConfigError, match=r"one of: soft, bone; got 'lungs'\. Choose another"):
        two.window("lungs")
    with pytest.raises(ConfigError, match="one of: none; got 'lung'"):
        scaling("display").window("lung")


def test_without_windows_there_is_no_default_one():
    assert scaling("display").window(None) is None


# --- pictures ------------------------------------------------------------------------------


def display(pixels, storage, bits, unit="display"):
    return calibrate(pixels, kind="display", storage=storage, bits=bits, unit=unit)


def test_pictures_of_eight_bits_are_kept_to_the_last_bit():
    every = np.arange(256, dtype=np.uint8)[None]
    stored = display(every, "uint8", 8)
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, every)


@pytest.mark.parametrize("bits", [1, 8, 10, 12, 16])
def test_the_full_range_of_its_bits_becomes_the_unit_interval(bits):
    full = np.array([[0, 2**bits - 1, (2**bits - 1) / 3]])
    stored = display(full, "float16", bits)
    assert stored.dtype == np.float16
    np.testing.assert_allclose(stored[0], [0, 1, 1 / 3], atol=3e-4)


def test_eight_bits_look_the_same_in_a_store_of_deeper_pictures():
    pixels = np.arange(256, dtype=np.uint8)[None]
    in_uint8 = display(pixels, "uint8", 8) / 255
    np.testing.assert_allclose(display(pixels, "float16", 8), in_uint8, atol=5e-4)


@pytest.mark.parametrize(("bits", "unit"), [(0, "display"), (0, "arbitrary"), (16, "arbitrary")])
def test_values_without_a_known_range_are_spread_between_rare_percentiles(bits, unit):
    pixels = random(1, 50, 60, low=-3.0, high=700.0)
    pixels[0, 0, 0] = 1e6  # one hot pixel must not darken the picture
    low, high = np.percentile(pixels, (0.1, 99.9))
    expected = np.clip((pixels - low) / (high - low), 0, 1)
    assert low > -3
    assert high < 710
    np.testing.assert_allclose(display(pixels, "float16", bits, unit), expected, atol=5e-4)
    as_bytes = display(pixels, "uint8", bits, unit)
    np.testing.assert_allclose(as_bytes / 255, expected, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("storage", ["uint8", "float16"])
@pytest.mark.parametrize("value", [0.0, 5.0, -2.0])
def test_a_constant_image_without_range_is_black_not_nan(storage, value):
    stored = display(np.full((1, 4, 5), value), storage, 0, "arbitrary")
    assert not stored.any()


@pytest.mark.parametrize("shape", [(3, 6, 7), (1, 4, 5, 6)])
def test_shape_and_source_stay_as_they_are(shape):
    pixels = random(*shape, high=255.0)
    before = pixels.copy()
    assert display(pixels, "uint8", 8).shape == shape
    np.testing.assert_array_equal(pixels, before)


# --- magnetic resonance --------------------------------------------------------------------


def zscore(pixels):
    return calibrate(pixels, kind="foreground_zscore", storage="float16", bits=0, unit="arbitrary")


def head(*, channels=1):
    """Return dark air around bright tissue."""
    pixels = random(channels, 20, 24, 16, high=30.0)
    pixels[:, 5:15, 6:18, 4:12] = random(channels, 10, 12, 8, low=300, high=900)
    return pixels


def test_foreground_has_mean_zero_and_deviation_one():
    stored = zscore(head())[0].astype(np.float64)
    foreground = stored[5:15, 6:18, 4:12]
    assert foreground.mean() == pytest.approx(0, abs=2e-3)
    assert foreground.std() == pytest.approx(1, abs=2e-3)
    assert stored[0].max() < -2


def test_scores_are_those_of_torchio_with_its_mean_as_threshold():
    pixels = head()
    expected = ZNormalization(masking_method=ZNormalization.mean)(
        ScalarImage(tensor=torch.from_numpy(pixels))
    )
    clipped = expected.data.clamp(-5, 5).numpy()
    np.testing.assert_allclose(zscore(pixels), clipped, atol=5e-3)


def test_numbers_without_a_unit_do_not_depend_on_gain_and_offset():
    pixels = head()
    np.testing.assert_allclose(zscore(pixels * 7.5 + 120), zscore(pixels), atol=5e-3)


def test_each_channel_is_scored_on_its_own():
    pixels = head(channels=2)
    pixels[1] = pixels[1] * 40 + 3
    stored = zscore(pixels)
    np.testing.assert_allclose(stored[1], zscore(pixels[1:])[0])
    assert stored[1].astype(np.float64).max() < 5


def test_scores_are_clipped_where_the_unit_interval_ends():
    pixels = head()
    pixels[0, 6, 7, 5] = 1e5
    stored = zscore(pixels)
    assert stored.max() == 5
    assert stored.min() >= -5
    assert unit_range(kind="foreground_zscore", storage="float16", window=None) == (-5, 5)


@pytest.mark.parametrize("value", [0.0, 412.0, -3.0])
def test_a_constant_image_has_no_foreground_and_becomes_zero(value):
    stored = zscore(np.full((2, 4, 5), value))
    assert stored.dtype == np.float16
    assert not stored.any()


def test_a_flat_foreground_gives_finite_scores():
    pixels = np.zeros((1, 8, 8))
    pixels[0, 2:5, 2:5] = 7.0
    stored = zscore(pixels)
    assert np.isfinite(stored).all()
    assert (stored[0, 2:5, 2:5] == 0).all()
    assert (stored[0, 0] == -5).all()


# --- the unit interval ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "storage", "window", "expected"),
    [
        ("hu", "int16", None, (-1024, 3071)),
        ("hu", "int16", (-160.0, 240.0), (-160, 240)),
        ("hu", "uint8", (-160.0, 240.0), (0, 255)),  # windowed pictures have no window any more
        ("display", "uint8", None, (0, 255)),
        ("display", "float16", None, (0, 1)),
        ("foreground_zscore", "float16", None, (-5, 5)),
    ],
)
def test_the_unit_interval_is_the_window_or_all_that_is_stored(kind, storage, window, expected):
    assert unit_range(kind=kind, storage=storage, window=window) == expected


# --- uptake --------------------------------------------------------------------------------


def uptake(values, unit="arbitrary"):
    return calibrate(np.array([values]), kind="suv", storage="float16", bits=0, unit=unit)


def test_suv_stays_suv_and_is_never_scaled_per_image():
    for scale in (1.0, 0.1):
        values = scale * np.linspace(0, 30, 50)
        np.testing.assert_allclose(uptake(values)[0], values, rtol=1e-3)


def test_suv_is_clipped_to_what_bodies_show():
    assert uptake([*[1.0] * 2000, -0.5, 180.0])[0, -2:].tolist() == [0, 100]


@pytest.mark.parametrize("scale", [1e3, 1e5])
def test_values_that_cannot_be_suv_are_refused_with_what_to_do(scale):
    with pytest.raises(DataError, match=r"must come in SUV, .* as Bq/ml or counts do\. Divide by"):
        uptake(scale * np.linspace(0, 20, 100))


def test_pictures_do_not_enter_a_store_of_suv():
    with pytest.raises(DataError, match="these values are a picture"):
        uptake([1.0, 2.0], unit="display")


@pytest.mark.parametrize(
    ("kind", "unit", "storage", "stored"),
    [
        ("suv", "arbitrary", "float16", "suv"),
        ("suv", "display", "uint8", "display"),
        ("hu", "hu", "int16", "hu"),
        ("hu", "display", "uint8", "display"),
        ("display", "display", "uint8", "display"),
    ],
)
def test_windowed_pictures_are_stored_as_pictures(kind, unit, storage, stored):
    own = scaling(kind)
    assert own.storage(bits=8 if unit == "display" else 16, unit=unit) == storage
    assert own.kind_of(storage) == stored


def test_a_window_of_suv_is_the_unit_interval():
    assert unit_range(kind="suv", storage="float16", window=(0.0, 7.0)) == (0, 7)
    assert unit_range(kind="suv", storage="float16", window=None) == (0, 100)
    assert unit_range(kind="display", storage="uint8", window=(0.0, 7.0)) == (0, 255)
