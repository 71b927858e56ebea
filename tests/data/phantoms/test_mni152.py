"""The template's maps lie where the template's own header says."""

import importlib.util
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from anlage.data.phantoms._mni152 import TISSUE_T1, TISSUES, load_anatomy


@pytest.fixture(scope="module")
def t1():
    root = Path(importlib.util.find_spec("nilearn").submodule_search_locations[0])
    return nib.load(root / "datasets" / "data" / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")


@pytest.mark.parametrize("voxel_mm", [3, 4])
def test_maps_keep_their_place_in_mni_space(t1, voxel_mm):
    values = np.asarray(t1.dataobj) / 255
    anatomy = load_anatomy(voxel_mm)
    shares = np.exp(anatomy.tissues)
    rebuilt = np.tensordot(TISSUE_T1, shares, 1) + anatomy.detail
    rebuilt = np.where(shares[0] < 0.5, rebuilt, 0)
    wanted = t1.affine[:3] @ [*ndimage.center_of_mass(values), 1]
    got = anatomy.origin_mm + voxel_mm * np.array(ndimage.center_of_mass(rebuilt))
    np.testing.assert_allclose(got, wanted, atol=0.35)
    assert rebuilt.sum() * voxel_mm**3 == pytest.approx(values.sum(), rel=0.02)


def test_tissues_are_where_they_belong():
    anatomy = load_anatomy(3)
    likeliest = dict(zip(TISSUES, np.exp(anatomy.tissues), strict=True))

    def at(name, *mni_mm):
        index = np.rint((np.array(mni_mm) - anatomy.origin_mm) / 3).astype(int)
        return likeliest[name][tuple(index)]

    assert at("white", 27, -30, 26) > 0.8  # beside the body of the ventricle
    assert at("csf", 6, 8, 14) > 0.4  # front horn of the ventricle
    assert at("grey", 11, 8, 9) > 0.5  # caudate nucleus
    assert at("background", 90, 0, 60) > 0.9
    assert anatomy.ventricles.max() == 1
    assert anatomy.depth_mm[likeliest["background"] > 0.5].max() == 0
    assert np.argmax(TISSUE_T1) == TISSUES.index("white")
