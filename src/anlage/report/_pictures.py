"""Pictures that a study drew, as data inside the page: views of methods, worst cases of arms."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from pydantic import BaseModel, Field

from anlage.report._lookup import Lookup
from anlage.report._read import Job, Study
from anlage.report.judgement import LADDER
from anlage.report.words import arm_name, rung_name

__all__ = ["Picture", "views", "worst_cases"]

_MOST_PIXELS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture.

    Attributes:
        source: Its bytes as a data URI.
        alt: What it shows, for those who cannot see it.
        tiles: Its parts, each with its own words; empty for a picture of one piece.
    """

    title: str
    alt: str
    source: str
    width: int
    height: int
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One case of a picture of several: its bytes as a data URI, and what is said of it."""

    source: str
    edge: int
    caption: str


def views(study: Study, lookup: Lookup) -> tuple[Picture, ...]:
    """Return what each strategy sees, from its first pretraining that drew it."""
    found = []
    for strategy in lookup.strategies:
        alt = f"Training images as stored, and beside each what {strategy} is shown of it"
        paths = [run.views for run in study.pretrainings if run.strategy == strategy and run.views]
        found += [p for path in paths[:1] if (p := _picture(path, title=strategy, alt=alt))]
    return tuple(found)


def worst_cases(
    study: Study, lookup: Lookup, task: str
) -> tuple[tuple[str, tuple[Picture, ...]], ...]:
    """Return, for the smallest and the largest budget, the worst cases of every arm drawn."""
    own = [job for job in study.jobs if job.task == task and job.worst]
    rung = next((rung for rung in LADDER if any(job.rung == rung for job in own)), None)
    drawn = {job.budget for job in own if job.rung == rung}
    budgets = [budget for budget in lookup.budgets(task) if budget in drawn]
    ends = dict.fromkeys([*budgets[:1], *budgets[-1:]])
    return tuple(
        (budget, pictures)
        for budget in ends
        if (pictures := tuple(_worst(own, lookup, str(rung), budget)))
    )


def _worst(own: list[Job], lookup: Lookup, rung: str, budget: str) -> Iterator[Picture]:
    here = [job for job in own if (job.rung, job.budget) == (rung, budget)]
    for arm in ("scratch", "random_frozen", *lookup.strategies):
        job = min(
            (job for job in here if job.arm == arm),
            key=lambda job: (job.draw, job.seed),
            default=None,
        )
        if job is None or job.worst is None:
            continue
        name = arm_name(arm)
        alt = f"Test images that {name}, {rung_name(rung).lower()}, {budget}, gets most wrong"
        picture = _picture(job.worst, title=name, alt=alt)
        if picture:
            yield picture


def _picture(path: Path, *, title: str, alt: str) -> Picture | None:
    """Read a picture and pack it without loss; None if it is torn or missing."""
    try:
        data = path.read_bytes()
        with Pillow.open(io.BytesIO(data), formats=("PNG",)) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                return None
            source = _packed(image, data)
            tiles = tuple(_tiles(image, path.with_suffix(".json")))
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError):
        return None
    return Picture(
        title=title,
        alt=alt,
        source="" if tiles else source,
        width=width,
        height=height,
        tiles=tiles,
    )


def _tiles(image: Pillow.Image, path: Path) -> Iterator[Tile]:
    """Cut a sheet of cases into its tiles, without the words below them, if its layout is known."""
    try:
        layout = _Layout.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    across, down = layout.tile
    for number, caption in enumerate(layout.captions):
        x, y = number % layout.columns * across, number // layout.columns * down
        tile = image.crop((x, y, x + layout.picture, y + layout.picture))
        yield Tile(source=_packed(tile), edge=layout.picture, caption=caption)


class _Layout(BaseModel):
    """How a sheet of cases is laid out, in pixels."""

    columns: int = Field(ge=1)
    tile: tuple[int, int]
    picture: int = Field(ge=1, le=2000)
    captions: tuple[str, ...] = Field(max_length=64)


def _packed(image: Pillow.Image, as_png: bytes | None = None) -> str:
    """Return a picture as a data URI, in the shorter of two formats without loss."""
    found = {"webp": io.BytesIO(), "png": io.BytesIO()}
    image.save(found["webp"], "WEBP", lossless=True)
    if as_png is None:
        image.save(found["png"], "PNG", optimize=True)
    else:
        found["png"].write(as_png)
    kind, shortest = min(
        ((kind, file.getvalue()) for kind, file in found.items()), key=lambda pair: len(pair[1])
    )
    return f"data:image/{kind};base64,{base64.b64encode(shortest).decode()}"
