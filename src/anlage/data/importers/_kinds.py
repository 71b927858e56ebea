"""What names say: which suffixes are images, which files are label maps, which words are parts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePath
from typing import Final

from anlage import plugins
from anlage.types import Split

__all__ = [
    "SPLIT_WORDS",
    "counted",
    "has_dicom_suffix",
    "has_image_suffix",
    "is_hidden",
    "is_mask_folder",
    "is_mask_name",
    "suffix_of",
]

SPLIT_WORDS: Final[dict[str, Split]] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

_READERS = "data/readers"
_MASK_WORDS = r"masks?|segmentations?|label_?maps?|labels?|gt|ground[ _-]?truth|annotations?"
_MASK_NAME = re.compile(rf"(?:^|[ _.-])(?:{_MASK_WORDS}|seg)(?:[ _.-]?\d+)?$", re.IGNORECASE)
# "seg" is no mask folder: segmented granulocytes are a class of blood cells
_MASK_FOLDER = re.compile(rf"(?:^|[ _.-])(?:{_MASK_WORDS})(?:T[rs])?$", re.IGNORECASE)


def suffix_of(path: PurePath) -> str:
    """Return a file's suffix in lower case; both parts of ``.nii.gz``."""
    name = PurePath(path.name.lower())
    return "".join(name.suffixes[-2:]) if name.suffix == ".gz" else name.suffix


def has_dicom_suffix(path: PurePath) -> bool:
    """Whether a file is named as DICOM."""
    return suffix_of(path) in _suffixes("dicom")


def has_image_suffix(path: PurePath) -> bool:
    """Whether a file is named as a reader's images are; DICOM files are listed by series."""
    names = set(plugins.available(_READERS)) - {"dicom"}
    return any(suffix_of(path) in _suffixes(name) for name in names)


@cache
def _suffixes(reader: str) -> tuple[str, ...]:
    found: tuple[str, ...] = plugins.load(_READERS, reader).suffixes
    return found


def is_hidden(name: str) -> bool:
    """Whether a file or folder is the system's own, not the user's."""
    return name.startswith((".", "__MACOSX"))


def is_mask_name(path: PurePath) -> bool:
    """Whether a file is named like a label map: ``scan_mask.png``, ``case_seg.nii.gz``."""
    return _MASK_NAME.search(path.name[: len(path.name) - len(suffix_of(path))]) is not None


def is_mask_folder(name: str) -> bool:
    """Whether a folder is named like one of label maps: ``masks``, ``labelsTr``."""
    return _MASK_FOLDER.search(name) is not None


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 image", "2 images"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
