"""Medical Segmentation Decathlon: a dataset.json with "training" pairs and "test" images.

The lists count, not ``numTraining``. Test images come without label maps and belong to no part
of a split; training images that are not listed are unlabelled. Hidden files are left out: the
archives are full of macOS's ``._`` files, and some lists name them.

Source: Antonelli et al., Nature Communications 13, 4128 (2022), medicaldecathlon.com.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anlage.data.importers import Imported, Importer, ImportOptions, Problem, Record
from anlage.data.importers._dataset_json import DATASET_JSON, read_dataset_json
from anlage.data.importers._kinds import counted, is_hidden
from anlage.data.importers._options import refuse_table_options
from anlage.data.importers._places import Places, exists
from anlage.data.importers._unlisted import unlisted_images
from anlage.data.importers._walk import relative
from anlage.data.readers import Source
from anlage.errors import DataError

__all__ = ["Msd"]


class Msd(Importer):
    """Medical Segmentation Decathlon folders."""

    rank = 20

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether there is a dataset.json that lists training images."""
        values = read_dataset_json(root) or {}
        return isinstance(values.get("training"), list) and "channel_names" not in values

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List training pairs, test images and images that are not listed."""
        refuse_table_options(options, "msd")
        values = read_dataset_json(root) or {}
        training, test = values.get("training"), values.get("test", [])
        if not isinstance(training, list) or not isinstance(test, list):
            raise DataError(
                "layout 'msd' needs a dataset.json with a list 'training' (and 'test' a list, if "
                "there), this source has none. Choose another layout."
            )
        lists = _Lists(Places.of(root, root / DATASET_JSON))
        for part, entries in (("training", training), ("test", test)):
            for number, entry in enumerate(entries, start=1):
                lists.add(entry, f"{part} entry {number:,}")
        claimed = values.get("numTraining")
        if isinstance(claimed, int) and claimed != len(training):
            lists.notes.append(
                f"dataset.json claims {claimed:,} training images, its list has {len(training):,}."
            )
        return lists.imported()


class _Lists:
    """What the lists name, checked entry by entry."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.images: dict[Path, Path | None] = {}  # with their label maps
        self.masks: set[Path] = set()
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.num_hidden = 0

    def add(self, entry: Any, where: str) -> None:
        """Take in one entry: a path, or a mapping with ``image`` and perhaps ``label``."""
        names = entry if isinstance(entry, dict) else {"image": entry}
        image, mask = self._path(names.get("image"), where), None
        if image is None:
            raise DataError(f"dataset.json must name an image in each entry, {where} does not.")
        if is_hidden(image.name):
            self.num_hidden += 1
            return
        if names.get("label") is not None:
            mask = self._path(names["label"], where)
        if image in self.images:
            raise DataError(
                f"dataset.json must name each image once, but {where} names one again. Remove "
                "one of the two entries."
            )
        if mask is not None:
            self.masks.add(mask)
        if not exists(image):
            self._missing(mask if mask and exists(mask) else image, "a listed image", where)
            return
        if mask is not None and not exists(mask):
            self._missing(mask, "a label map", where)
            mask = None
        self.images[image] = mask

    def imported(self) -> Imported:
        """Return all images, listed or not."""
        unlisted, doubtful = unlisted_images(self.images, self.masks)
        notes = [*self.notes]
        if unlisted:
            notes.append(f"{counted(len(unlisted), 'image')} not listed: used as unlabelled.")
        if doubtful:
            notes.append(f"{counted(doubtful, 'file')} not listed, perhaps label maps: left out.")
        if self.num_hidden:
            notes.append(f"{counted(self.num_hidden, 'hidden file')} in the lists left out.")
        pairs = {**self.images, **dict.fromkeys(unlisted)}
        records = tuple(
            Record(
                key=relative(image, self.places.root),
                image=Source(paths=(image,)),
                mask=None if mask is None else Source(paths=(mask,)),
            )
            for image, mask in pairs.items()
        )
        return Imported(records=records, problems=tuple(self.problems), notes=tuple(notes))

    def _path(self, written: Any, where: str) -> Path | None:
        if not isinstance(written, str) or not written:
            return None
        path = self.places.find(written)
        if path is None:
            raise DataError(
                f"paths in dataset.json must lie inside the source, but not so {where}. Remove "
                "that entry."
            )
        return path

    def _missing(self, path: Path, what: str, where: str) -> None:
        self.problems.append(
            Problem(
                key=relative(path, self.places.root),
                reason=f"{what} that is not there, {where} of dataset.json.",
            )
        )
