"""Virtual CT: calibrated in 2D and 3D, one geometry for both."""

import nibabel as nib
import numpy as np
import pytest

from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms._ct_body import draw_body
from anlage.data.phantoms._plan import generator
from anlage.data.phantoms.ct import Ct

CALM = {"site_strength": 0.0, "lesion_contrast": 1.0, "lesion_share": 1.0}


def draw(patient, **dials):
    return Ct().draw(CohortConfig(**CALM | dials), patient)


def test_tissues_have_their_hounsfield_units():
    image = draw(0, size=96).pictures[0].pixels[0]
    assert image[:4].mean() == pytest.approx(-1000, abs=30)  # air
    shares = {
        name: ((image > low) & (image < high)).mean()
        for name, (low, high) in {
            "lung": (-950, -700),
            "fat": (-130, -70),
            "soft": (30, 180),
            "bone": (210, 1500),
        }.items()
    }
    assert min(shares.values()) > 0.01
    assert shares["soft"] > 0.1
    assert image.dtype == np.int16


def test_volumes_are_ras_with_the_liver_on_the_right():
    case = draw(1, dims=3, size=48)
    volume = case.pictures[0].pixels[0]
    assert nib.aff2axcodes(case.affine) == ("R", "A", "S")
    assert nib.affines.voxel_sizes(case.affine) == pytest.approx(case.spacing_mm)
    right, left = volume[24:, :, 14:20], volume[:24, :, 14:20]
    assert (right > 70).sum() > 1.3 * (left > 70).sum()
    assert (volume[:, :, 36:] < -700).mean() > (volume[:, :, :12] < -700).mean()  # lungs are up
    spine = (volume[20:28] > 200).nonzero()[1]
    assert np.median(spine) < 20  # towards the back


def test_a_slice_lies_in_the_volume_that_the_same_patient_has():
    flat = draw(2, lesion_share=0, size=48).pictures[0].pixels[0]
    volume = draw(2, lesion_share=0, size=48, dims=3).pictures[0].pixels[0]
    shown = [volume[::-1, ::-1, level].T for level in range(48)]
    fits = [np.corrcoef(flat.ravel(), one.ravel())[0, 1] for one in shown]
    best = int(np.argmax(fits))
    assert fits[best] > 0.98
    assert 20 <= best <= 28


@pytest.mark.parametrize("kind", ["liver", "lung"])
def test_lesions_lie_in_their_organ_and_have_their_volume(kind):
    case = draw(3, dims=3, size=64, classes=(kind,), lesion_mm=(36, 36))
    lesion = case.pictures[0].mask > 0
    volume = lesion.sum() * np.prod(case.spacing_mm)
    assert volume == pytest.approx(case.labels["lesion_volume_mm3"], rel=0.06)
    well = draw(3, dims=3, size=64, classes=(kind,), lesion_mm=(36, 36), lesion_share=0)
    before = np.median(well.pictures[0].pixels[0][lesion])
    after = np.median(case.pictures[0].pixels[0][lesion])
    assert (before > 90) if kind == "liver" else (before < -700)
    assert 20 < after < 60


def test_patients_have_bodies_of_their_own():
    first, second = (
        draw(patient, dims=3, size=32, lesion_share=0, lesion_mm=(24, 30)).pictures[0].pixels[0]
        for patient in (0, 1)
    )
    assert np.median(np.abs(first.astype(float) - second)[first > -900]) > 40  # noise is 14 HU


def test_the_body_does_not_depend_on_the_grid():
    axis = ((np.arange(32) - 15.5) * 10).astype(np.float32)
    whole = draw_body(generator(0, "b", 1), (axis, axis, axis)).hu
    one = draw_body(generator(0, "b", 1), (axis, axis, axis[20:21])).hu
    np.testing.assert_allclose(whole[:, :, 20:21], one, atol=1)
