"""Folders named by class: the folder in which an image lies is its label.

Every image lies exactly one folder below the source, or below folders train, val and test (and
their variants), which then become the split. There are 2 to 50 classes of at least 2 images.
Not taken for classes: folders named like parts of a split, like label maps or "images", and
folders that all end in a number of two or more digits, which are cases rather than classes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from anlage.data.importers import Imported, Importer, ImportOptions, Record
from anlage.data.importers._kinds import (
    SPLIT_WORDS,
    counted,
    has_image_suffix,
    is_mask_folder,
    is_mask_name,
)
from anlage.data.importers._options import refuse_table_options
from anlage.data.importers._walk import Walk, relative
from anlage.data.readers import Source
from anlage.errors import DataError
from anlage.types import Split

__all__ = ["Folders"]

_LABEL = "label"
_MIN_CLASSES, _MAX_CLASSES = 2, 50
_MIN_IMAGES = 2
_CASE = re.compile(r".*[0-9]{2}")
_NO_CLASS = re.compile(r"(images?|img|imgs|data|scans?)(tr|ts)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Image:
    path: Path
    label: str
    split: Split | None


class Folders(Importer):
    """Class folders."""

    rank = 60

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether all images lie in class folders."""
        return root.is_dir() and not isinstance(_arranged(Walk(root=root))[0], str)

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the images with label ``label``, the name of their folder."""
        refuse_table_options(options, "folders", own_labels=(_LABEL,))
        walk = Walk(root=root)
        images, others = _arranged(walk)
        if isinstance(images, str):
            raise DataError(
                "layout 'folders' needs every image exactly one folder below the source, or "
                f"below train, val and test, but {images}. Move them, or choose layout 'images'."
            )
        records = tuple(
            Record(
                key=relative(image.path, root),
                image=Source(paths=(image.path,)),
                labels={_LABEL: image.label},
                split=image.split,
            )
            for image in images
        )
        classes = len({image.label for image in images})
        notes = [
            f"The names of {classes} folders are taken as label {_LABEL!r}. If they are no "
            "classes, say layout 'images'."
        ]
        if any(image.split for image in images):
            notes.append("Folders train, val and test are taken as the split.")
        if others:
            notes.append(
                f"{counted(others, 'file')} left out: no image suffix, or named like label maps."
            )
        return Imported(
            records=records, problems=tuple(walk.problems), notes=(*notes, *walk.notes())
        )


def _arranged(walk: Walk) -> tuple[list[_Image] | str, int]:
    """Return the images with their classes, or why they have none; and the count of other files."""
    found: list[_Image] = []
    others = 0
    for path in walk.sorted_files():
        if not has_image_suffix(path) or is_mask_name(path):
            others += 1
            continue
        *folders, _ = path.relative_to(walk.root).parts
        split = SPLIT_WORDS.get(folders[0].casefold()) if folders else None
        if len(folders) != (1 if split is None else 2):
            return "some lie higher or deeper", others
        found.append(_Image(path, folders[-1], split))
    return _fault(found) or found, others


def _fault(images: list[_Image]) -> str | None:
    sizes = Counter(image.label for image in images)
    if len({image.split is None for image in images}) > 1:
        return "only some lie below train, val and test"
    if not _MIN_CLASSES <= len(sizes) <= _MAX_CLASSES:
        return f"there must be {_MIN_CLASSES} to {_MAX_CLASSES} such folders, got {len(sizes)}"
    if min(sizes.values()) < _MIN_IMAGES:
        return f"each folder must hold at least {_MIN_IMAGES} images, one holds fewer"
    if any(is_mask_folder(name) or _NO_CLASS.fullmatch(name) for name in sizes):
        return "some folders are named like images or label maps, not like classes"
    if all(_CASE.fullmatch(name) for name in sizes):
        return "all folders end in a number, as cases do rather than classes"
    return None
