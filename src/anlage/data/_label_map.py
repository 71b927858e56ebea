"""Label maps: class numbers on their image's grid, and what 255 means in a store.

Many pictures of one structure are black and white, 0 and 255; others count classes 0, 1, 2 and
use 255 for one more, or for pixels to leave out. A single label map does not tell which, so
numbers are stored as they are, and what 255 means is decided once, over all label maps of the
store that are in use: the answer does not depend on the order in which they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from anlage.data.readers import Limits, RawImage, Source, read_image
from anlage.data.readers._apart import apart_mm, is_apart
from anlage.data.readers._values import NOT_FINITE
from anlage.errors import ConfigError, DataError

__all__ = [
    "WHITE",
    "Asked",
    "Holds",
    "LabelMap",
    "Meaning",
    "decide",
    "parse_asked",
    "read_label_map",
]

Array = npt.NDArray[Any]

Meaning = Literal["numbers", "black_white"]
Asked = Literal["auto", "numbers", "black_white"]
Holds = Literal["nothing", "white", "numbers", "both"]  # what a label map says about 255

WHITE = 255
_ASKED: dict[str, Asked] = {"auto": "auto", "numbers": "numbers", "black_white": "black_white"}
_READ_AS: dict[Meaning, str] = {"numbers": "a class of its own", "black_white": "class 1"}
_DOUBT = (
    "warning: label maps hold 255 and other classes, so 255 counts as a class. If it marks pixels "
    "to leave out, set them to 0; if it means class 1, prepare with --label-maps black_white"
)
_GREATEST = 32767
_JPEG = b"\xff\xd8\xff"
_DARK, _BRIGHT, _BETWEEN = 64, 191, 0.05  # what counts as black, as white; share in between


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """One label map as its file has it.

    Attributes:
        classes: (*S), uint8 or int16.
        holds: What it says about 255.
        notes: What was repaired.
    """

    classes: Array
    holds: Holds
    notes: tuple[str, ...] = ()


def read_label_map(source: Source, image: RawImage, limits: Limits) -> LabelMap:
    """Read the class numbers of an image.

    Raises:
        DataError: If it cannot be read, is coloured, lies elsewhere than its image, or holds
            anything but class numbers.
    """
    found = read_image(source, limits)
    values = found.pixels[0]
    if (found.pixels != values).any():
        raise DataError(
            "a label map must have one channel, got a coloured one. Save class numbers as grey."
        )
    _check_place(image, found)
    if any(NOT_FINITE in note for note in found.notes):
        raise DataError(
            "a label map must hold class numbers 0, 1, 2, ..., got NaN or infinity. Set those "
            "voxels to the class that they belong to."
        )
    is_jpeg = _is_jpeg(source)
    classes = _as_classes(_black_white(values) if is_jpeg else values)
    notes = ("the label map is a JPEG: cut into black and white at half",) if is_jpeg else ()
    # white is 1 already where a pixel has one bit
    return LabelMap(
        classes=classes, holds="nothing" if found.bits == 1 else _holds(classes), notes=notes
    )


def parse_asked(text: str) -> Asked:
    """Return what the user asks for.

    Raises:
        ConfigError: If there is no such choice.
    """
    if text not in _ASKED:
        raise ConfigError(
            f"label_maps must be auto, numbers or black_white, got {text!r}. With black_white, 255 "
            "is read as class 1; with numbers, it is a class of its own."
        )
    return _ASKED[text]


def decide(found: Sequence[Holds], asked: Asked) -> tuple[Meaning, str, tuple[str, ...]]:
    """Decide what 255 means in all label maps of a store.

    Args:
        found: What each label map holds.
        asked: What the user asks for; "auto" takes the label maps for black and white if 255
            occurs and none holds any other class.

    Returns:
        The decision, its evidence in a line, and what every result must state.
    """
    counts = Counter(found)
    others = counts["both"] + counts["numbers"]
    if not counts["white"] and not counts["both"]:
        return "numbers", "", ()
    meaning: Meaning = "numbers" if others else "black_white"
    if asked != "auto":
        meaning = asked
    evidence = (
        f"label maps: 255 is read as {_READ_AS[meaning]}{'' if asked == 'auto' else ', as asked'}; "
        f"of {len(found)}, {counts['white']} hold only 0 and 255, {counts['both']} hold 255 beside "
        f"other classes, {counts['numbers']} hold other classes only"
    )
    is_sure = meaning == "black_white" or asked != "auto"
    return meaning, evidence, () if is_sure else (_DOUBT,)


def _check_place(image: RawImage, found: RawImage) -> None:
    space, held = image.pixels.shape[1:], found.pixels.shape[1:]
    if held != space:
        raise DataError(
            f"a label map must lie on its image's grid, got {_sizes(held)} for an image of "
            f"{_sizes(space)}. Resample the label map."
        )
    if image.affine is None or found.affine is None:
        if image.affine is not found.affine and (_is_turned(image) or _is_turned(found)):
            raise DataError(
                "a label map must say where it lies as its image does, but only one of the two "
                "has an affine, and that one was turned to RAS+. Save both in one format."
            )
        return
    apart = apart_mm(image.affine, found.affine, space)
    if is_apart(apart, image.affine):
        raise DataError(
            f"a label map must lie where its image lies, but their corners are up to {apart:.3g} "
            "mm apart. Resample the label map."
        )


def _is_turned(image: RawImage) -> bool:
    turn = image.turn
    return turn is not None and (turn.axes != tuple(sorted(turn.axes)) or any(turn.is_flipped))


def _as_classes(values: Array) -> Array:
    whole = np.rint(values.astype(np.float64))
    if np.abs(whole - values).max(initial=0) > 1e-3 or whole.min(initial=0) < 0:
        raise DataError(
            "a label map must hold class numbers 0, 1, 2, ..., got fractions or negative values. "
            "Save it without interpolation."
        )
    top = int(whole.max(initial=0))
    if top > _GREATEST:
        raise DataError(f"a label map may count to {_GREATEST:,}, got {top:,}.")
    return whole.astype(np.uint8 if top <= np.iinfo(np.uint8).max else np.int16)


def _holds(classes: Array) -> Holds:
    """Say whether 255 stands apart: as the greatest number, without 254 before it."""
    present = set(np.unique(classes).tolist()) - {0}
    has_white = max(present, default=0) == WHITE and WHITE - 1 not in present
    if not present:
        return "nothing"
    if not has_white:
        return "numbers"
    return "both" if len(present) > 1 else "white"


def _is_jpeg(source: Source) -> bool:
    with source.paths[0].open("rb") as stream:
        return stream.read(len(_JPEG)) == _JPEG


def _black_white(values: Array) -> Array:
    """Cut a JPEG in two: it blurs edges, and class numbers do not survive it."""
    between = float(((values > _DARK) & (values < _BRIGHT)).mean())
    if between > _BETWEEN or 0 < values.max(initial=0) < _BRIGHT:
        raise DataError(
            "a label map must keep its class numbers, but JPEG changes them, and this one is not "
            "black and white. Save it as PNG."
        )
    return np.where(values > WHITE // 2, np.uint8(WHITE), np.uint8(0))


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(str(edge) for edge in shape)
