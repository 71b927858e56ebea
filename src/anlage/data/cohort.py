"""Write a virtual cohort as the files a user would have: pictures, masks, one table.

    out/
      cohort.yaml     the settings, and which mask value is which lesion
      labels.csv      one row per image; paths relative to this folder
      boxes.csv       one row per box, only if some image has more than one
      images/  masks/ PNG in 2D, NIfTI in 3D

`prepare` reads the folder like any other data. The table names no split.
"""

from __future__ import annotations

import csv
import gzip
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from PIL import Image

from anlage import plugins
from anlage.config import differences, read_yaml, write_yaml
from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom
from anlage.errors import ConfigError

__all__ = ["write_cohort"]

_ROOM = "data/phantoms"
_SETTINGS = "cohort.yaml"
_COMPRESSION = 1  # gzip level: a tenth of the time of level 9, and 10 % more bytes

Row = dict[str, str | float]


def write_cohort(
    out: Path,
    *,
    modality: str = "mri",
    config: CohortConfig,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a cohort to a folder, or find it there already.

    The folder appears complete or not at all: files are written into a hidden folder beside it,
    which takes its name at the end. What a killed process leaves there can be deleted.

    Args:
        out: The folder; it may exist if it is empty or holds this very cohort.
        modality: Name of a phantom plug-in.
        config: The cohort's dials.
        progress: Called with (patients done, patients in all) after each patient.

    Returns:
        The folder.

    Raises:
        ConfigError: If the folder holds something else or a cohort of other settings, or if the
            phantom cannot draw this cohort.
    """
    phantom: Phantom = plugins.load(_ROOM, modality)()
    settings = {
        "modality": modality,
        **config.model_dump(mode="json"),
        "mask_values": dict(enumerate(phantom.kinds, start=1)),
    }
    if _is_there(out, settings):
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.parent / f".{out.name}.{uuid.uuid4().hex}.partial"
    try:
        _write(partial, phantom, config, progress)
        write_yaml(partial / _SETTINGS, settings)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _is_there(out: Path, settings: Mapping[str, Any]) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    if not (out / _SETTINGS).is_file():
        raise ConfigError(
            f"a cohort needs a new or empty folder, but {out} exists and holds something else. "
            "Choose another folder."
        )
    changed = differences(read_yaml(out / _SETTINGS), settings)
    if changed:
        raise ConfigError(
            f"{out} holds a cohort of other settings ({'; '.join(changed)}). "
            "Choose another folder, or delete this one."
        )
    return True


def _write(
    folder: Path,
    phantom: Phantom,
    config: CohortConfig,
    progress: Callable[[int, int], None] | None,
) -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows: list[Row] = []
    boxes: list[tuple[Box, ...]] = []
    for patient in range(config.patients):
        case = phantom.draw(config, patient)
        rows += _write_case(folder, case, patient)
        boxes += [picture.boxes for picture in case.pictures]
        if progress:
            progress(patient + 1, config.patients)
    if max(len(found) for found in boxes) <= 1:
        empty: Row = dict.fromkeys(_corners(config.dims), "")
        placed = zip(rows, boxes, strict=True)
        rows = [row | (_box_row(*found) if found else empty) for row, found in placed]
    else:
        _write_table(folder / "boxes.csv", _box_table(rows, boxes))
    _write_table(folder / "labels.csv", rows)


def _write_case(folder: Path, case: Case, patient: int) -> Iterator[Row]:
    """Write one patient's files; yield a row for each image."""
    for index, picture in enumerate(case.pictures):
        suffix = ".png" if picture.mask.ndim == 2 else ".nii.gz"
        name = f"P{patient:05d}_{index:02d}{suffix}"
        _write_array(folder / "images" / name, picture.pixels, case.affine)
        _write_array(folder / "masks" / name, picture.mask[None], case.affine)
        yield {
            "image": f"images/{name}",
            "mask": f"masks/{name}",
            "patient": f"P{patient:05d}",
            "site": case.site,
            **case.labels,
        }


def _write_array(
    path: Path, pixels: npt.NDArray[Any], affine: npt.NDArray[np.float64] | None
) -> None:
    """Write (C, *S) pixels as they are: PNG in 2D, NIfTI with its affine in 3D."""
    planes = np.moveaxis(pixels, 0, -1)
    if planes.shape[-1] == 1:
        planes = planes[..., 0]
    if affine is None:
        Image.fromarray(planes).save(path, compress_level=_COMPRESSION)
        return
    image = nib.Nifti1Image(planes, affine)
    image.header.set_xyzt_units("mm")
    # mtime=0 and no name inside: the same cohort gives the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as packed:
        packed.write(image.to_bytes())


def _corners(dims: int) -> list[str]:
    return [f"{axis}{end}" for end in (0, 1) for axis in "xyz"[:dims]]


def _box_row(box: Box) -> Row:
    """Return corners by column name; in 2D x counts columns and y counts rows."""
    order = (1, 0) if len(box.low) == 2 else (0, 1, 2)
    values = [corner[axis] for corner in (box.low, box.high) for axis in order]
    return dict(zip(_corners(len(order)), (f"{value:g}" for value in values), strict=True))


def _box_table(rows: Sequence[Row], boxes: Sequence[tuple[Box, ...]]) -> list[Row]:
    return [
        {"image": row["image"], "label": box.label, **_box_row(box)}
        for row, found in zip(rows, boxes, strict=True)
        for box in found
    ]


def _write_table(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
