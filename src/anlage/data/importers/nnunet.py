"""nnU-Net raw data, version 2: imagesTr, labelsTr, imagesTs and a dataset.json.

Each channel of a case is a file, ``case_0000`` and up; a case becomes one record with the files
in the order of the channels. imagesTs is for prediction only, so its cases are unlabelled and
belong to no part of a split; but if labelsTs gives them label maps, imagesTr is train and
imagesTs is test.

Source: Isensee et al., Nature Methods 18, 203 (2021), and documentation/dataset_format.md at
MIC-DKFZ/nnUNet. Departure: the list ``dataset`` of files elsewhere is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from anlage.data.importers import Imported, Importer, ImportOptions, Problem, Record
from anlage.data.importers._dataset_json import read_dataset_json
from anlage.data.importers._kinds import counted
from anlage.data.importers._options import refuse_table_options
from anlage.data.importers._places import entries
from anlage.data.importers._walk import relative
from anlage.data.readers import Source
from anlage.errors import DataError
from anlage.types import Split

__all__ = ["NnUnet"]

_PARTS: tuple[tuple[str, str, Split], ...] = (
    ("imagesTr", "labelsTr", "train"),
    ("imagesTs", "labelsTs", "test"),
)


class NnUnet(Importer):
    """nnU-Net raw data folders."""

    rank = 30

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether there are images for training, and a dataset.json that names their channels."""
        values = read_dataset_json(root) or {}
        return "channel_names" in values and (root / "imagesTr").is_dir()

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the cases."""
        refuse_table_options(options, "nnunet")
        num_channels, ending = _channels(read_dataset_json(root) or {})
        cases = _Cases(root, num_channels, ending)
        has_test = any(_files(root / "labelsTs", ending))
        for images, masks, split in _PARTS:
            cases.add(images, masks, split if has_test else None)
        notes = []
        if cases.num_others:
            notes.append(f"{counted(cases.num_others, 'file')} not named as a channel left out.")
        return Imported(
            records=tuple(cases.records), problems=tuple(cases.problems), notes=tuple(notes)
        )


class _Cases:
    """The cases of a data set, folder by folder."""

    def __init__(self, root: Path, num_channels: int, ending: str) -> None:
        self.root, self.num_channels, self.ending = root, num_channels, ending
        self.pattern = re.compile(rf"(.+)_([0-9]{{4}}){re.escape(ending)}", re.DOTALL)
        self.records: list[Record] = []
        self.problems: list[Problem] = []
        self.num_others = 0

    def add(self, images: str, masks: str, split: Split | None) -> None:
        """Take in one folder of images, and its folder of label maps."""
        maps = {
            path.name.removesuffix(self.ending): path
            for path in _files(self.root / masks, self.ending)
        }
        for case, channels in self._channels_by_case(self.root / images).items():
            files = list(channels.values())
            mask = maps.pop(case, None)
            if list(channels) != list(range(self.num_channels)):
                self._report(
                    files[0],
                    f"an incomplete case, {len(files)} of {self.num_channels} channels are there.",
                )
                continue
            if mask is None and masks == "labelsTr":
                self._report(
                    self.root / masks / f"{case}{self.ending}",
                    "a label map that is not there, its image is used without it.",
                )
            self.records.append(
                Record(
                    key=relative(files[0], self.root),
                    image=Source(paths=tuple(files)),
                    mask=None if mask is None else Source(paths=(mask,)),
                    split=split,
                )
            )
        for mask in maps.values():
            self._report(mask, "labels without an image, its case has no channel files.")

    def _channels_by_case(self, folder: Path) -> dict[str, dict[int, Path]]:
        cases: dict[str, dict[int, Path]] = defaultdict(dict)
        for path in _files(folder, ""):
            match = self.pattern.fullmatch(path.name)
            if match is None:
                self.num_others += 1
            else:
                cases[match[1]][int(match[2])] = path
        return cases

    def _report(self, path: Path, reason: str) -> None:
        self.problems.append(Problem(key=relative(path, self.root), reason=reason))


def _channels(values: dict[str, Any]) -> tuple[int, str]:
    """Return the number of channels, and the suffix of all files."""
    names, ending = values.get("channel_names"), values.get("file_ending")
    if not isinstance(names, dict) or not names or not isinstance(ending, str) or not ending:
        raise DataError(
            "layout 'nnunet' needs a dataset.json with 'channel_names' (a mapping) and "
            "'file_ending' (text), this source has none. Data sets of nnU-Net 1 must be converted "
            "to version 2 first."
        )
    if "dataset" in values:
        raise DataError(
            "dataset.json may not list files elsewhere ('dataset'). Copy the images to imagesTr, "
            "or write a labels.csv."
        )
    return len(names), ending


def _files(folder: Path, ending: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in entries(folder) if path.name.endswith(ending) and path.is_file()]
