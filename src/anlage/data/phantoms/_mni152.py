"""The average head of 152 people, as maps that a virtual patient is made from.

The maps come with nilearn's package data: the skull-stripped, symmetric MNI152 T1 template and
its grey and white matter maps. They are read as files: importing nilearn takes 3 s and reading
0.2 s, and nothing is asked of the network or the home folder.

Source: ICBM 2009a nonlinear symmetric, Fonov et al., NeuroImage 54(1), 2011,
10.1016/j.neuroimage.2010.07.033.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from anlage.errors import ConfigError

__all__ = ["TISSUES", "TISSUE_T1", "Anatomy", "load_anatomy"]

Array = npt.NDArray[np.float32]

TISSUES = ("background", "csf", "grey", "white")

TISSUE_T1 = np.array([0.0, 0.33, 0.65, 0.86], np.float32)
"""Mean T1 intensity of each tissue in the template, whose range is 0 to 1."""

_FLOOR = 0.006  # least probability of a tissue
_VENTRICLE_DEPTH_MM = 12.0
_VENTRICLE_REACH_MM = 3.0
_VENTRICLE_SHARE = 0.45  # of CSF nearby, which sulci do not reach


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """Maps of the template, on one grid.

    Attributes:
        tissues: (4, X, Y, Z) log probability of each of ``TISSUES``.
        detail: (X, Y, Z) T1 intensity beyond the mean of the tissues.
        ventricles: (X, Y, Z) nearness to a ventricle: 1 inside, falling to 0 outside.
        depth_mm: (X, Y, Z) distance to the brain's surface; 0 outside.
        voxel_mm: Edge of a voxel.
        origin_mm: Centre of voxel (0, 0, 0) in MNI space, RAS+.
    """

    tissues: Array
    detail: Array
    ventricles: Array
    depth_mm: Array
    voxel_mm: int
    origin_mm: Array


@cache
def load_anatomy(voxel_mm: int) -> Anatomy:
    """Load the template once per process, averaged to voxels of a whole number of mm.

    Raises:
        ConfigError: If nilearn is not installed.
    """
    folder = _package_data()
    t1, corner = _read(folder, "t1", voxel_mm)
    grey, _ = _read(folder, "gm", voxel_mm)
    white, _ = _read(folder, "wm", voxel_mm)
    brain, _ = _read(folder, "t1", voxel_mm, as_mask=True)
    csf = np.clip(brain - grey - white, 0, 1)
    shares = np.stack([1 - brain, csf, grey, white])
    shares /= shares.sum(axis=0)
    depth_mm = ndimage.distance_transform_edt(brain > 0.5).astype(np.float32) * voxel_mm
    return Anatomy(
        tissues=np.log(np.clip(shares, _FLOOR, None)),
        detail=t1 - np.tensordot(TISSUE_T1, shares, 1),
        ventricles=_near_ventricles(csf, depth_mm, voxel_mm),
        depth_mm=depth_mm,
        voxel_mm=voxel_mm,
        origin_mm=corner,
    )


def _package_data() -> Path:
    found = importlib.util.find_spec("nilearn")
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            "the mri phantom needs the MNI152 template that nilearn ships, but nilearn is not "
            "installed. Install it with: pip install 'anlage[demo]'"
        )
    return Path(found.submodule_search_locations[0]) / "datasets" / "data"


def _read(folder: Path, name: str, voxel_mm: int, *, as_mask: bool = False) -> tuple[Array, Array]:
    """Return one map in [0, 1] and the MNI position of its first voxel."""
    image = nib.load(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz")
    values = np.asarray(image.dataobj)
    fine = (values > 0) if as_mask else values / np.float32(255)
    # One block of air on every side: beyond the grid, its edge is repeated.
    pad = [(voxel_mm, voxel_mm + -edge % voxel_mm) for edge in fine.shape]
    padded = np.pad(fine, pad).astype(np.float32)
    blocks = [part for edge in padded.shape for part in (edge // voxel_mm, voxel_mm)]
    mean: Array = padded.reshape(blocks).mean(axis=(1, 3, 5))
    corner = image.affine[:3, 3] - voxel_mm + (voxel_mm - 1) / 2
    return mean, corner.astype(np.float32)


def _near_ventricles(csf: Array, depth_mm: Array, voxel_mm: int) -> Array:
    """Return where deep CSF is bulky: this tells a ventricle from a sulcus."""
    deep = np.where(depth_mm > _VENTRICLE_DEPTH_MM, csf, 0)
    bulk = ndimage.gaussian_filter(deep, _VENTRICLE_REACH_MM / voxel_mm)
    near: Array = np.clip(bulk / _VENTRICLE_SHARE, 0, 1)
    return near
