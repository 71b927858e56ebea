"""Virtual PET: calibrated in SUV in 2D and 3D, and what each site's reconstruction does to it."""

import nibabel as nib
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from anlage.data.cohort import cohort
from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms import pet as module
from anlage.data.phantoms._pet_body import FOV_MM, draw_uptakes
from anlage.data.phantoms._plan import generator
from anlage.data.phantoms.pet import Pet
from anlage.data.prepare import prepare
from anlage.data.store import Store

CALM = {"site_strength": 0.0, "lesion_contrast": 1.0, "lesion_share": 1.0, "num_sites": 1}


def draw(patient, **dials):
    return Pet().draw(CohortConfig(**CALM | dials), patient)


def axis(size):
    return ((np.arange(size) - (size - 1) / 2) * FOV_MM / size).astype(np.float32)


def test_organs_have_their_usual_uptake():
    livers, brains, urines = [], [], []
    coronal = (axis(120), axis(120), np.array([8], np.float32))
    for patient in range(24):
        body = draw_uptakes(generator(0, "b", patient), coronal)
        livers.append(np.median(body.suv[body.liver_mm > 15]))
        brains.append(body.suv[:, 96:].max())
        urines.append(body.suv[:, :30].max())
        lungs = body.suv[body.lung_mm > 15]
        assert np.median(lungs) == pytest.approx(0.5, rel=0.35)
        assert body.suv[0].max() == 0  # air
    assert np.mean(livers) == pytest.approx(2.1, abs=0.2)
    assert 0 < np.std(livers) < 0.5
    assert np.mean(brains) == pytest.approx(8, abs=1)
    assert min(urines) > 7
    assert max(urines) < 26


def test_volumes_are_ras_with_brain_up_liver_right_and_heart_to_the_front():
    case = draw(1, dims=3, size=48, lesion_share=0, lesion_mm=(26, 40))
    volume = case.pictures[0].pixels[0]
    assert (case.unit, volume.dtype, volume.shape) == ("suv", np.float32, (48,) * 3)
    assert nib.aff2axcodes(case.affine) == ("R", "A", "S")
    assert nib.affines.voxel_sizes(case.affine) == pytest.approx(case.spacing_mm)
    hot = np.argwhere(volume > 5)
    assert (hot[:, 2] > 36).sum() > 100  # brain
    bladder = hot[hot[:, 2] < 10]
    assert len(bladder) > 10
    assert abs(np.median(bladder[:, 0]) - 23.5) < 3
    right, left = volume[24:, :, 16:22], volume[:24, :, 16:22]
    assert (right > 1.6).sum() > 1.2 * (left > 1.6).sum()
    body = draw_uptakes(generator(0, "pet body", 1), (axis(48),) * 3)
    depths = np.flatnonzero((body.suv > 0).any(axis=(0, 1)))
    marrow = np.argwhere(body.suv[22:26, 8:14, :22] > 1.2)  # the spine lies behind
    assert len(marrow)
    assert np.median(marrow[:, 2]) < depths.mean()


def test_a_slice_lies_in_the_volume_that_the_same_patient_has():
    flat = draw(2, lesion_share=0, size=48, lesion_mm=(26, 40)).pictures[0].pixels[0]
    volume = draw(2, lesion_share=0, size=48, dims=3, lesion_mm=(26, 40)).pictures[0].pixels[0]
    shown = [volume[::-1, level, ::-1].T for level in range(48)]
    fits = [np.corrcoef(flat.ravel(), one.ravel())[0, 1] for one in shown]
    assert max(fits) > 0.95
    assert 20 <= int(np.argmax(fits)) <= 28


@pytest.mark.parametrize("kind", ["liver", "lung"])
def test_lesions_are_hot_lie_in_their_organ_and_have_their_volume(kind):
    dials = {"dims": 3, "size": 80, "classes": (kind,), "lesion_mm": (48, 48), "with_clean": True}
    case = draw(3, **dials)
    picture = case.pictures[0]
    lesion = picture.mask > 0
    volume = lesion.sum() * np.prod(case.spacing_mm)
    assert volume == pytest.approx(case.labels["lesion_volume_mm3"], rel=0.08)
    well = draw(3, **dials | {"lesion_share": 0}).pictures[0]
    before, after = np.median(well.clean[0][lesion]), picture.clean[0][lesion].max()
    assert before == pytest.approx({"liver": 2.1, "lung": 0.5}[kind], rel=0.4)
    assert after == pytest.approx({"liver": 9, "lung": 7}[kind], rel=1e-3)


def test_small_lesions_lose_uptake_to_the_blur():
    recovered = []
    for edge_mm in (12, 40):
        dials = {"size": 128, "classes": ("liver",), "lesion_mm": (edge_mm, edge_mm)}
        peaks = [draw(n, **dials).pictures[0] for n in range(3)]
        recovered.append(np.mean([one.pixels[0][one.mask > 0].mean() for one in peaks]))
    assert recovered[0] < 0.9 * recovered[1] < 9


def scanned(site, suv, *, pixel_mm, seed=0):
    rng = np.random.default_rng(seed)
    return module._scanned(rng, np.array([*site, *[0.0] * 5]), suv.astype(np.float32), pixel_mm)


@pytest.mark.parametrize(("site", "fwhm_mm"), [(-1.0, 4.0), (0.0, 5.5), (1.0, 7.0)])
def test_a_point_is_spread_to_the_width_of_the_sites_reconstruction(monkeypatch, site, fwhm_mm):
    monkeypatch.setattr(module, "_NOISE", 0.0)
    point = np.zeros((41, 41, 1))
    point[20, 20] = 1000
    found = scanned((site, 0, 0), point, pixel_mm=1.0)[:, 20, 0]
    wide = np.interp(0.5, found[20:][::-1] / found.max(), np.arange(20, -1, -1)) * 2
    assert wide == pytest.approx(fwhm_mm, rel=0.03)


def test_noise_grows_as_the_root_of_the_uptake_and_with_fewer_counts():
    def deviation(level, site=0.0):
        return scanned((0, site, 0), np.full((80, 80, 1), level), pixel_mm=2.0).std()

    assert deviation(8.0) / deviation(2.0) == pytest.approx(2, rel=0.02)
    assert deviation(2.0) / 2.0 == pytest.approx(0.13 / np.sqrt(2), rel=0.15)
    assert deviation(2.0, 1.0) / deviation(2.0, -1.0) == pytest.approx(0.22 / 0.04, rel=0.02)
    image = scanned((0, 0, 0), np.full((80, 80, 1), 4.0), pixel_mm=2.0)[..., 0]
    near = np.corrcoef(image[1:].ravel(), image[:-1].ravel())[0, 1]
    assert near > 0.5  # as smooth as the image


def test_sites_scale_uptake_within_ten_percent():
    means = [scanned((0, 0, s), np.full((9, 9, 1), 4.0), pixel_mm=4.0).mean() for s in (-1, 0, 1)]
    assert np.array(means) / means[1] == pytest.approx([0.9, 1, 1.1])


def test_the_clean_image_is_the_uptake_itself():
    picture = draw(0, size=96, with_clean=True).pictures[0]
    sigma = 5.5 / 2.3548 / (FOV_MM / 96)
    blurred = ndimage.gaussian_filter(picture.clean[0], sigma)
    assert np.corrcoef(blurred.ravel(), picture.pixels[0].ravel())[0, 1] > 0.99
    assert picture.pixels.min() == 0


def test_patients_have_bodies_of_their_own():
    first, second = (draw(n, lesion_share=0).pictures[0].pixels[0] for n in (0, 1))
    assert np.median(np.abs(first - second)[first > 1]) > 0.3


@pytest.mark.parametrize("dims", [2, 3])
def test_a_cohort_on_disk_becomes_a_store_in_suv(tmp_path, dims):
    files = cohort(tmp_path / "c", modality="pet", patients=3, dims=dims, size=52, lesion_share=1)
    prepare(
        files, out=tmp_path / "s", modality="pet", label=["lesion"], patient="patient", workers=0
    )
    store = Store.open(tmp_path / "s")
    assert (store.meta.kind, len(store)) == ("suv", 3)
    np.testing.assert_allclose(store.spacing_mm, FOV_MM / 52, rtol=1e-4)
    assert 5 < np.asarray(store.image(0), np.float32).max() < 40
    if dims == 2:
        path = files / "images" / "P00000_00.tif"
        drawn = Pet().draw(CohortConfig(size=52, lesion_contrast=1, lesion_share=1), 0)
        np.testing.assert_array_equal(tifffile.imread(path), drawn.pictures[0].pixels[0])
