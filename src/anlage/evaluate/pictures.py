"""Pictures of cases: what went wrong, with the truth and the answer drawn on the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from PIL import Image as Pillow
from PIL import ImageDraw
from scipy import ndimage

from anlage.data.store import Store
from anlage.data.summary import display, upright
from anlage.evaluate.predict import outputs
from anlage.tasks import Task
from anlage.train.adapt import Fitted
from anlage.train.runs import write_json

__all__ = ["draw_worst_cases"]

_TILE = 160
_CASES = 8
_TRUTH, _GUESS = (0, 158, 115), (213, 94, 0)  # green and vermilion, told apart by everyone


def draw_worst_cases(
    path: Path,
    fitted: Fitted,
    task: Task,
    store: Store,
    cases: pl.DataFrame,
    *,
    device: torch.device,
) -> None:
    """Draw the cases that a network gets most wrong, worst first, into one PNG.

    A JSON file of the same name says what is written under each, for a page that cuts the
    picture into tiles and sets the words as text.

    Dense tasks: truth outlined in green, answer in vermilion. Others: truth and answer in words.
    """
    badness = task.badness(cases)
    order = np.argsort(-badness, kind="stable")[:_CASES]
    rows = cases["row"].to_numpy()[order]
    answers = dict(outputs(fitted, task, store, np.sort(rows), device=device))
    captions: list[str] = []
    sheet = Pillow.new("RGB", (4 * _TILE, -(-len(rows) // 4) * (_TILE + 16)), "white")
    for place, row in enumerate(rows.tolist()):
        is_dense = task.profile.signal == "dense"
        picture = _outlined(store, row, answers[row]) if is_dense else display(store, row)
        tile, words = _square(picture), task.caption(row, answers[row])
        captions.append(words)
        corner = (place % 4 * _TILE, place // 4 * (_TILE + 16))
        sheet.paste(tile.resize((_TILE - 2, _TILE - 2)), corner)
        ImageDraw.Draw(sheet).text((corner[0] + 2, corner[1] + _TILE), words, fill="black")
    sheet.save(path, "PNG", optimize=True)
    layout = {"columns": 4, "tile": [_TILE, _TILE + 16], "picture": _TILE - 2}
    write_json(path.with_suffix(".json"), {**layout, "captions": captions})


def _outlined(store: Store, row: int, answer: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Draw both outlines; of a volume, on the slice that holds most."""
    mask = store.mask(row)
    assert mask is not None, "only labelled rows are drawn"
    truth, guess = np.asarray(mask, dtype=np.int64) > 0, answer.argmax(axis=0) > 0
    depth = int((truth | guess).sum(axis=(0, 1)).argmax()) if truth.ndim == 3 else None
    picture = display(store, row, depth=depth)
    for area, colour in ((truth, _TRUTH), (guess, _GUESS)):
        plane = area if depth is None else upright(area[..., depth])
        picture[plane & ~ndimage.binary_erosion(plane)] = colour
    return picture


def _square(picture: npt.NDArray[np.uint8]) -> Pillow.Image:
    edge = max(picture.shape[:2])
    square = Pillow.new("RGB", (edge, edge))
    square.paste(Pillow.fromarray(picture), (0, 0))
    return square
