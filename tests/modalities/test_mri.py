"""Magnetic resonance: numbers without a unit, coils that shade (rule R33)."""

import numpy as np
import pytest

from anlage import plugins
from anlage.errors import ConfigError, DataError
from anlage.modalities import calibrate, unit_range

POLICY = plugins.load("modalities", "mri")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("hue_saturation", "no colour"),
        ("solarize", "no sequence has"),
        ("flip_ud", "an up and a down"),
        ("flip_ap", "do not mirror each other"),
        ("quarter_turn", "never turned by 90 degrees"),
    ],
)
@pytest.mark.parametrize("dims", [2, 3])
def test_what_no_scanner_makes_is_refused(plan_of, view, reason, dims):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for mri: .*{reason}"):
        plan_of("mri", {view: {}}, dims=dims, channels=3)


def test_coils_sequences_and_fields_are_varied(plan_of):
    steps = {step.name for step in plan_of("mri", dims=3).steps}
    assert {"bias_field", "gamma", "brightness_contrast", "gaussian_noise"} <= steps


@pytest.mark.parametrize("change", [{"order": 4}, {"coefficient": 0.8}])
def test_a_shading_stays_as_smooth_and_weak_as_a_coils(plan_of, change):
    (key,) = change
    with pytest.raises(ConfigError, match=f"bias_field may have {key} up to"):
        plan_of("mri", {"bias_field": change})


def test_intensity_has_no_absolute_meaning():
    assert POLICY.scaling.kind == "foreground_zscore"
    assert POLICY.scaling.windows == {}


def test_a_mirror_is_only_tolerated_since_labels_name_sides():
    assert POLICY.views["flip_lr"].level == "mild"


def test_adc_keeps_its_unit_if_it_is_named():
    own = POLICY.scaling.of("adc")
    assert POLICY.scaling.of(None) is POLICY.scaling
    assert own.kind == "adc"
    storage = own.storage(bits=12, unit="arbitrary")
    maps = np.stack([np.linspace(0, 2500, 4096)[None], np.linspace(0, 1000, 4096)[None]])
    for given in maps:
        kept = calibrate(given, kind=own.kind, storage=storage, bits=12, unit="arbitrary")
        np.testing.assert_allclose(kept, given, rtol=1e-3, atol=1e-3)
    assert unit_range(kind="adc", storage=storage, window=None) == (0, 3200)
    usual = calibrate(maps[0], kind=POLICY.scaling.kind, storage=storage, bits=12, unit="arbitrary")
    assert usual.max() < 5


def test_only_known_sequences_are_read_in_their_own_way():
    with pytest.raises(ConfigError, match=r"in its own way \(adc\), got 'flair'"):
        POLICY.scaling.of("flair")
    with pytest.raises(ConfigError, match="none in this modality"):
        plugins.load("modalities", "ct").scaling.of("adc")


def adc(values, unit="arbitrary"):
    return calibrate(np.array([values]), kind="adc", storage="float16", bits=0, unit=unit)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3])
def test_adc_in_another_unit_is_refused_with_what_to_do(scale):
    with pytest.raises(DataError, match=r"in 1e-6 mm2/s, .* Multiply mm2/s by 1,000,000"):
        adc(scale * np.linspace(0, 2500, 100))


def test_a_picture_of_a_map_is_no_map():
    with pytest.raises(DataError, match="this image has a picture"):
        adc(np.linspace(0, 255, 100), unit="display")


def test_adc_is_clipped_to_what_water_shows():
    assert adc([*[900.0] * 2000, -50.0, 4095.0])[0, -2:].tolist() == [0, 3200]
