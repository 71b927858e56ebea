"""Write a virtual cohort as the files a user would have: pictures, masks, one table.

    out/
      cohort.yaml     the settings, and which mask value is which lesion
      labels.csv      one row per image; paths relative to this folder
      boxes.csv       one row per box, only if some image has more than one
      images/  masks/ PNG in 2D, TIFF for 2D in Hounsfield units or SUV, NIfTI in 3D
      clean/          the same images without blur and noise, if asked for

`prepare` reads the folder like any other data. The table names no split.
"""

from __future__ import annotations

import csv
import gzip
import shlex
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from anlage import plugins
from anlage.config import differences, read_yaml, write_yaml
from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom
from anlage.data.phantoms._plan import check_dials
from anlage.errors import ConfigError
from anlage.progress import track

__all__ = ["cohort", "prepare_command", "write_cohort"]

_ROOM = "data/phantoms"
_SETTINGS = "cohort.yaml"
_COMPRESSION = 1  # gzip level: a tenth of the time of level 9, and 10 % more bytes

_FILES = ("image", "mask", "clean", "patient", "site")  # columns that are no labels

Row = dict[str, str | float]


def cohort(
    out: str | Path,
    *,
    modality: str,
    patients: int = 200,
    images: int = 1,
    dims: int = 2,
    size: int = 64,
    lesion_mm: float | Sequence[float] | None = None,
    lesions: int | Sequence[int] = 1,
    contrast: float = 1.0,
    lesion_share: float = 0.75,
    kinds: Sequence[str] = (),
    sites: int = 3,
    site_strength: float = 0.5,
    shortcut: float = 0.0,
    marked: float = 0.0,
    clean: bool = False,
    seed: int = 0,
) -> Path:
    """Write virtual patients of one modality as files, with the truth in a table.

    All follows from the arguments, and more patients never change the first ones.

    Args:
        out: The folder; it may exist if it is empty or holds this very cohort.
        modality: Name of a phantom, such as ultrasound.
        patients: Patients in the cohort.
        images: 2D images of each patient.
        dims: 2, or 3 for volumes (ct, mri, pet).
        size: Edge of an image in pixels.
        lesion_mm: Diameter of the lesions, or the least and the largest; None for what is usual.
        lesions: Lesions of a patient who has any, or the fewest and the most.
        contrast: 1 for lesions as plain as they get, 0 for invisible ones.
        lesion_share: Share of patients with a lesion.
        kinds: Lesion kinds that occur; empty for all.
        sites: Hospitals.
        site_strength: How far their images differ, 0 to 1.
        shortcut: Share of patients whose site follows from their class, 0 to 1.
        marked: Share of patients with a lesion that a mark in the image gives away.
        clean: Write each image also without blur and noise.
        seed: Another seed is another cohort.

    Returns:
        The folder; :func:`prepare_command` says how it becomes a store.

    Raises:
        ConfigError: If the arguments do not fit each other or the modality, or if the folder
            holds something else.
    """
    config = CohortConfig.parse(
        {
            "patients": patients,
            "images_per_patient": images,
            "dims": dims,
            "size": size,
            "lesion_mm": None if lesion_mm is None else _range(lesion_mm),
            "lesions": _range(lesions),
            "lesion_contrast": contrast,
            "lesion_share": lesion_share,
            "classes": tuple(kinds),
            "num_sites": sites,
            "site_strength": site_strength,
            "shortcut": shortcut,
            "marked_share": marked,
            "with_clean": clean,
            "seed": seed,
        },
        where="cohort",
    )
    with track("Drawing patients", patients, unit="patients") as advance:
        return write_cohort(
            Path(out),
            modality=modality,
            config=config,
            progress=lambda _done, _total: advance(1, ""),
        )


def _range(given: float | Sequence[float]) -> tuple[float, ...]:
    """Return one number twice, and two as they are."""
    values = (given, given) if isinstance(given, int | float) else tuple(given)
    return (values[0], values[0]) if len(values) == 1 else values


def prepare_command(folder: Path) -> str:
    """Return the `anlage prepare` that makes a store of a cohort."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        columns = next(csv.reader(stream))
    dims = read_yaml(folder / _SETTINGS)["dims"]
    labels = [name for name in columns if name not in (*_FILES, *_corners(dims))]
    words = [
        "anlage",
        "prepare",
        str(folder),
        "--out",
        str(folder.with_name(f"{folder.name}-store")),
    ]
    words += ["--modality", str(read_yaml(folder / _SETTINGS)["modality"])]
    words += [word for name in labels for word in ("--label", name)]
    words += ["--patient", "patient", "--site", "site"]
    if (folder / "boxes.csv").is_file():
        words += ["--boxes", str(folder / "boxes.csv")]
    return shlex.join(words)


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
    phantom = _phantom(modality)
    lacking = CohortConfig.extra_dials() - phantom.extra_dials
    config = config.model_copy(update={"lesion_mm": config.lesion_mm or phantom.usual_mm})
    check_dials(phantom, config)
    settings = {
        "modality": modality,
        **config.model_dump(mode="json", exclude=set(lacking)),
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


def _phantom(modality: str) -> Phantom:
    known = plugins.available(_ROOM)
    if modality not in known:
        raise ConfigError(
            f"there is no modality {modality!r} with virtual patients."
            f"{plugins.nearest(modality, known)} Choose one of: {', '.join(known)}."
        )
    phantom: Phantom = plugins.load(_ROOM, modality)()
    return phantom


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
    for name in ("images", "masks", *(["clean"] if config.with_clean else [])):
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
        suffix = ".png" if case.unit == "display" else ".tif"
        suffix = suffix if case.affine is None else ".nii.gz"
        name = f"P{patient:05d}_{index:02d}"
        mask = f"{name}.png" if case.affine is None else f"{name}.nii.gz"
        _write_array(folder / "images" / f"{name}{suffix}", picture.pixels, case)
        _write_array(folder / "masks" / mask, picture.mask[None], case)
        row: Row = {"image": f"images/{name}{suffix}", "mask": f"masks/{mask}"}
        if picture.clean is not None:
            _write_array(folder / "clean" / f"{name}{suffix}", picture.clean, case)
            row["clean"] = f"clean/{name}{suffix}"
        yield row | {"patient": f"P{patient:05d}", "site": case.site, **case.labels}


def _write_array(path: Path, pixels: npt.NDArray[Any], case: Case) -> None:
    """Write (C, *S) pixels: PNG or TIFF with its spacing in 2D, NIfTI with its affine in 3D."""
    planes = np.moveaxis(pixels, 0, -1)
    if planes.shape[-1] == 1:
        planes = planes[..., 0]
    if path.suffix == ".tif":
        per_mm = tuple(1 / edge for edge in reversed(case.spacing_mm))
        tifffile.imwrite(  # ImageJ knows no signed integers
            path, planes.astype(np.float32), imagej=True, resolution=per_mm, metadata={"unit": "mm"}
        )
        return
    if case.affine is None:
        Image.fromarray(planes).save(path, compress_level=_COMPRESSION)
        return
    image = nib.Nifti1Image(planes, case.affine)
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
