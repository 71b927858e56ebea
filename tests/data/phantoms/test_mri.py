"""Virtual brain MRI: reproducible, true to its labels, and without give-aways."""

import importlib.util
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from anlage import plugins
from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms import mri as mri_file
from anlage.data.phantoms._mni152 import load_anatomy
from anlage.data.phantoms._mri_head import draw_head
from anlage.data.phantoms.mri import Mri
from anlage.errors import ConfigError

PHANTOM = Mri()
PLAIN = {"lesion_share": 1.0, "site_strength": 0.0}


def draw(patient, **dials):
    return PHANTOM.draw(CohortConfig(**dials), patient)


def draw_many(n, **dials):
    return [draw(patient, **dials) for patient in range(n)]


def pixels(case):
    return np.stack([picture.pixels for picture in case.pictures]).astype(int)


def same(first, second):
    return first.labels == second.labels and np.array_equal(pixels(first), pixels(second))


def test_it_is_a_plug_in():
    assert "mri" in plugins.available("data/phantoms")
    assert plugins.load("data/phantoms", "mri") is Mri


@pytest.mark.parametrize("dials", [{"images_per_patient": 3}, {"dims": 3, "size": 24}])
def test_a_patient_follows_from_seed_and_number_alone(dials):
    dials = {"lesion_mm": (20, 40), **dials}
    first = draw(5, **dials)
    draw(9, **dials, seed=3)
    assert same(first, draw(5, **dials))
    assert same(first, draw(5, **dials, patients=7))
    assert not np.array_equal(pixels(first), pixels(draw(6, **dials)))
    assert not np.array_equal(pixels(first), pixels(draw(5, **dials, seed=1)))


def test_pictures_are_8_bit_and_volumes_are_ras():
    flat, solid = draw(0, images_per_patient=2), draw(0, dims=3, size=48)
    assert len(flat.pictures) == 2
    assert flat.pictures[0].pixels.shape == (1, 64, 64)
    assert flat.pictures[0].pixels.dtype == np.uint8
    assert (flat.affine, flat.unit, flat.spacing_mm) == (None, "display", (3.0, 3.0))
    (volume,) = solid.pictures
    assert volume.pixels.shape == (1, 48, 48, 48)
    assert volume.pixels.dtype == np.int16
    assert volume.mask.shape == (48, 48, 48)
    assert nib.aff2axcodes(solid.affine) == ("R", "A", "S")
    assert nib.affines.voxel_sizes(solid.affine) == pytest.approx(solid.spacing_mm) == (4, 4, 4)
    # The brain's middle, in MNI space, is in the middle of the volume.
    middle = np.array(ndimage.center_of_mass(volume.pixels[0] > 200))
    np.testing.assert_allclose(solid.affine[:3] @ [*middle, 1], [0, -19, 5], atol=8)


def test_volumes_hold_the_brain_upright():
    upper, lower, front, back = np.zeros(4)
    for case in draw_many(3, dims=3, size=48, **PLAIN):
        brain = case.pictures[0].pixels[0] > 200
        upper += brain[:, :, 34:].sum()
        lower += brain[:, :, :14].sum()
        # The cerebellum lies at the back and below.
        front += brain[:, 27:, :14].sum()
        back += brain[:, :21, :14].sum()
    assert upper > 2 * lower
    assert back > 2 * front


@pytest.mark.parametrize("dials", [{}, {"dims": 3, "size": 32, "lesion_mm": (18, 40)}])
def test_the_mask_is_where_the_image_was_changed(dials):
    for patient in range(12):
        ill = draw(patient, **PLAIN | dials)
        well = draw(patient, **PLAIN | dials | {"lesion_share": 0})
        assert well.labels["lesion"] == "none"
        change = np.abs(pixels(ill) - pixels(well))[0, 0]
        lesion = ill.pictures[0].mask > 0
        reach = ndimage.binary_dilation(lesion, np.ones((3,) * lesion.ndim), 2)
        assert not change[~reach].any()
        assert (change[lesion] > 0).mean() > 0.85
        assert change[lesion].mean() > 4 * change[reach & ~lesion].mean()


def test_each_kind_looks_like_itself():
    for patient in range(30):
        ill = draw(patient, **PLAIN, lesion_mm=(24, 36))
        well = draw(patient, **PLAIN | {"lesion_share": 0}, lesion_mm=(24, 36))
        mask = ill.pictures[0].mask
        kind = ill.labels["lesion"]
        assert set(np.unique(mask)) == {0, PHANTOM.kinds.index(kind) + 1}
        depth = ndimage.distance_transform_edt(mask)
        change = (pixels(ill) - pixels(well))[0, 0]
        middle, rim = change[depth > 0.6 * depth.max()].mean(), change[depth == 1].mean()
        assert (rim > 5) == (kind != "dark")
        assert (middle > 5) == (kind == "bright")
        assert (middle < -5) == (kind != "bright")


@pytest.mark.parametrize("dials", [{"images_per_patient": 2}, {"dims": 3, "size": 48}])
def test_boxes_are_tight(dials):
    for case in draw_many(8, lesion_share=0.7, **dials):
        for picture in case.pictures:
            found = ndimage.find_objects((picture.mask > 0).astype(int))
            assert len(found) == len(picture.boxes) == (case.labels["lesion"] != "none")
            for box, slices in zip(picture.boxes, found, strict=True):
                assert box.low == tuple(part.start for part in slices)
                assert box.high == tuple(part.stop for part in slices)
                assert box.label == case.labels["lesion"]


def test_the_mask_has_the_diameter_of_the_label():
    for case in draw_many(12, lesion_share=1, dims=3, size=48):
        volume = (case.pictures[0].mask > 0).sum() * 4**3
        assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(case.labels["lesion_mm"], rel=0.1)
    ratios = np.array(
        [
            2 * np.sqrt((case.pictures[0].mask > 0).sum() * 9 / np.pi) / case.labels["lesion_mm"]
            for case in draw_many(60, lesion_share=1)
        ]
    )
    # A slice up to a quarter of the diameter from the middle cuts a disc of 0.87 to 1 of it.
    assert ratios.min() > 0.8
    assert ratios.max() < 1.1
    assert 0.92 < ratios.mean() < 1


def test_the_side_is_the_patients():
    sides = []
    for case in draw_many(40, lesion_share=1):
        (picture,) = case.pictures
        column = np.nonzero(picture.mask)[1].mean()
        sides.append((case.labels["side"], "right" if column < 31.5 else "left"))
    for case in draw_many(12, lesion_share=1, dims=3, size=32):
        index = np.argwhere(case.pictures[0].mask).mean(axis=0)
        x_mm = (case.affine @ [*index, 1])[0]
        sides.append((case.labels["side"], "right" if x_mm > 0 else "left"))
    assert {label for label, _ in sides} == {"left", "right"}
    # A turned head puts a few lesions near the midline on the image's other half.
    assert np.mean([label == seen for label, seen in sides]) > 0.95
    assert draw(0, lesion_share=0).labels["side"] == "none"


def test_zero_contrast_hides_the_lesion_but_not_its_mask():
    for patient in range(5):
        hidden = draw(patient, lesion_share=1, lesion_contrast=0)
        well = draw(patient, lesion_share=0)
        assert np.array_equal(pixels(hidden), pixels(well))
        assert hidden.pictures[0].mask.any()
        assert not well.pictures[0].mask.any()
        assert well.labels["lesion_mm"] == 0 < hidden.labels["lesion_mm"]


def test_contrast_is_a_dial():
    means = []
    for contrast in (0.3, 0.6, 0.9):
        ill = draw_many(5, **PLAIN, lesion_contrast=contrast)
        well = draw_many(5, lesion_share=0, site_strength=0)
        pairs = zip(ill, well, strict=True)
        means.append(np.mean([np.abs(pixels(a) - pixels(b)).mean() for a, b in pairs]))
    assert means[1] == pytest.approx(2 * means[0], rel=0.15)
    assert means[2] == pytest.approx(3 * means[0], rel=0.15)


def test_slices_are_taken_alike_with_and_without_a_lesion(monkeypatch):
    grids = []

    def spy(anatomy, grid, **rest):
        grids.append(grid.axes_mm[2])
        return draw_head(anatomy, grid, **rest)

    monkeypatch.setattr(mri_file, "draw_head", spy)
    for dials in ({"lesion_share": 0}, {"lesion_share": 1}, {"classes": ("dark",)}):
        draw_many(8, images_per_patient=2, **dials)
    none, all_kinds, dark = np.split(np.array(grids), 3)
    assert np.array_equal(none, all_kinds)
    assert np.array_equal(none, dark)
    assert len(np.unique(none)) == 16


@pytest.mark.parametrize(
    ("dials", "words"),
    [
        ({"classes": ("brigth",)}, "must be among bright, ring, dark.*Did you mean 'bright'"),
        ({"lesion_mm": (4, 20)}, r"between 6 mm \(two pixels at size 64\) and 50 mm, got 4 to 20"),
        ({"lesion_mm": (10, 60)}, "and 50 mm, got 10 to 60 mm"),
    ],
)
def test_what_cannot_be_drawn_is_refused(dials, words):
    with pytest.raises(ConfigError, match=words):
        draw(0, **dials)


def test_missing_nilearn_names_the_extra(monkeypatch):
    monkeypatch.setattr(mri_file, "load_anatomy", load_anatomy.__wrapped__)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'anlage\[demo\]'"):
        draw(0)


def test_no_network_no_home_no_torch(tmp_path):
    code = """
import socket, sys
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms.mri import Mri
Mri().draw(CohortConfig(), 0)
assert not {"torch", "nilearn", "sklearn"} & set(sys.modules)
"""
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
    assert not any(home.iterdir())
