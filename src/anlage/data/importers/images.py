"""Any folder of images, read to its bottom: no labels, no patients, the last resort."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from anlage.data.importers import Imported, Importer, ImportOptions, Record
from anlage.data.importers._kinds import (
    counted,
    has_dicom_suffix,
    has_image_suffix,
    is_mask_folder,
    is_mask_name,
)
from anlage.data.importers._options import refuse_table_options
from anlage.data.importers._walk import Walk, relative
from anlage.data.readers import Source

__all__ = ["Images"]


class Images(Importer):
    """Every image file below a folder."""

    rank = 70

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether the source is a folder."""
        return root.is_dir()

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List every file with the suffix of an image format, except label maps by name."""
        refuse_table_options(options, "images")
        walk = Walk(root=root)
        records = []
        left_out: Counter[str] = Counter()
        for path in walk.sorted_files():
            kind = _kind(path, root)
            if kind == "image":
                records.append(Record(key=relative(path, root), image=Source(paths=(path,))))
            else:
                left_out[kind] += 1
        return Imported(
            records=tuple(records),
            problems=tuple(walk.problems),
            notes=(*walk.notes(), *_notes(left_out)),
        )


def _kind(path: Path, root: Path) -> str:
    if has_dicom_suffix(path):
        return "dicom"
    if not has_image_suffix(path):
        return "other"
    folders = path.relative_to(root).parts[:-1]
    if is_mask_name(path) or any(is_mask_folder(folder) for folder in folders):
        return "mask"
    return "image"


def _notes(left_out: Counter[str]) -> list[str]:
    notes = []
    if left_out["mask"]:
        notes.append(
            f"{counted(left_out['mask'], 'file')} named like label maps left out: to use them, "
            "pair them with their images in a labels.csv."
        )
    if left_out["dicom"]:
        notes.append(
            f"{counted(left_out['dicom'], 'DICOM file')} left out: prepare them with layout "
            "dicom_tree."
        )
    if left_out["other"]:
        notes.append(
            f"{counted(left_out['other'], 'file')} without the suffix of an image format left out."
        )
    return notes
