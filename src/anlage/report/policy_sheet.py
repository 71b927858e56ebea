"""A contact sheet of a policy: what each view does to one image, at its default and at its limit.

A view is drawn by the view maker itself, with eight draws; the one that changes the image most is
shown. So the sheet shows what a method may meet, not the average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import Augmentation, Policy, ViewRule, view_plan
from anlage.report._policy_image import Subject, subject_of
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, Step, ViewPlan, make_views, one_view
from anlage.types import ViewSpec

__all__ = ["draw_policy"]

Tile = npt.NDArray[np.uint8]

_TILE = 132
_GAP = 6
_COLUMNS = 4
_CAPTION = 50
_DRAWS = 8
_HIDDEN = (86, 180, 233)  # sky blue; all colours here are told apart by colour-blind people
_GROUPS = {
    "do": ("DO: advised", (0, 158, 115)),
    "mild": ("MILD: tolerated", (0, 114, 178)),
    "avoid": ("AVOID: off unless a recipe names it", (230, 159, 0)),
    "never": ("NEVER: refused", (213, 94, 0)),
}


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """One or two tiles with words below."""

    tiles: tuple[Tile, ...]
    title: str
    words: str


def draw_policy(
    path: Path, name: str, policy: Policy, *, image: Path | None = None, store: Path | None = None
) -> None:
    """Draw every view of a policy, at its default and at its limit, into one PNG.

    Args:
        path: Picture to write.
        name: Name of the modality.
        policy: Its policy.
        image: Image to draw on; None: a virtual one.
        store: Store whose first image to draw on instead.

    Raises:
        ConfigError: If the store holds another modality.
        DataError: If the image or the store cannot be read.
    """
    artist = _Artist(policy, name, subject_of(name, policy, image=image, store=store))
    groups = {"": list(artist.frame())}
    for level in ("do", "mild", "avoid"):
        rules = {n: r for n, r in policy.views.items() if r.level == level and 2 in r.dims}
        groups[level] = [cell for n, rule in rules.items() for cell in artist.view(n, rule)]
    groups["never"] = list(artist.forbidden())
    title = f"{name}: {policy.title}, drawn on {artist.subject.what}"
    sheet = _laid_out(title, {level: cells for level, cells in groups.items() if cells})
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG", optimize=True)


class _Artist:
    """Draws views of one image."""

    def __init__(self, policy: Policy, name: str, subject: Subject) -> None:
        self.policy, self.name, self.subject = policy, name, subject
        unit = subject.unit
        longest = max(unit.shape[1:])
        self.size = tuple(max(16, round(edge / longest * 8) * 16) for edge in unit.shape[1:])
        count = _DRAWS
        self.batch = CropBatch(
            images=torch.from_numpy(unit)[None].repeat(count, 1, 1, 1),
            label_maps=None,
            spacing_mm=torch.tensor([subject.spacing_mm], dtype=torch.float32).repeat(count, 1),
            sample=torch.arange(count),
            patient=torch.arange(count),
        )
        numbers = np.arange(count)
        self.draws = Draws(seed=0, epoch=np.zeros_like(numbers), sample=numbers)
        channels = len(unit)
        self.plain = Intensities(low=0, high=1, mean=(0.0,) * channels, std=(1.0,) * channels)
        whole = ViewPlan(size=self.size, intensities=self.plain)
        self.original = one_view(self.batch, whole, draws=None)[0]
        low, high = np.percentile(self.original[0].numpy(), (0.5, 99.5))
        self.ends = (float(low), float(high))

    def frame(self) -> Iterator[_Cell]:
        """Draw the image, its crops and its masks."""
        yield _Cell(
            tiles=(self._tile(self.original[0]),),
            title="as stored",
            words=f"{self.policy.scaling.kind}, default window",
        )
        crop = self.policy.crop
        tiles = []
        for scale in (crop.scale[0], crop.least_scale):
            plan = ViewPlan(
                size=self.size,
                intensities=self.plain,
                crop_scale=(scale, scale),
                crop_aspect=crop.aspect,
            )
            tiles.append(self._tile(one_view(self.batch, plan, draws=self.draws)[0][0]))
        words = f"{crop.scale[0]:.0%} of the image | {crop.least_scale:.0%}"
        yield _Cell(tiles=tuple(tiles), title="smallest crop", words=words)
        yield self._masked()

    def view(self, name: str, rule: ViewRule) -> Iterator[_Cell]:
        """Draw one view at its default and, where it has strengths, at its limit."""
        default = self._strongest(rule.transform, rule.params)
        if default is None:
            return
        strongest = None
        if rule.limits or rule.least:
            strongest = self._at_limit(rule, {**rule.limits, **rule.least})
        if strongest is None and rule.limits:  # both ends at once may be more than it takes
            strongest = self._at_limit(rule, rule.limits)
        tiles = (default,) if strongest is None else (default, strongest)
        yield _Cell(tiles=tiles, title=name, words=_said(rule, has_limit=strongest is not None))

    def forbidden(self) -> Iterator[_Cell]:
        """Draw what is refused, where a picture can show it."""
        for name, ban in self.policy.forbidden.items():
            tile = self._strongest(ban.transform, ban.params)
            if tile is not None:
                yield _Cell(tiles=(tile,), title=name, words=ban.because)

    def _masked(self) -> _Cell:
        spec = ViewSpec(num_views=1, intensity=False, is_masked=True)
        plan = view_plan(
            self.policy,
            spec,
            Augmentation(views=dict.fromkeys(self.policy.views), crop_scale=(1.0, 1.0)),
            modality=self.name,
            size=self.size,
            intensities=self.plain,
            pixel_mm=self.subject.pixel_mm(self.size),
        )
        mask = make_views(self.batch, plan, spec, draws=self.draws).masks[0][0].numpy()
        tile = self._tile(self.original[0])
        down, across = (
            edge // count for edge, count in zip(tile.shape[:2], mask.shape, strict=True)
        )
        hidden = mask.repeat(down, axis=0).repeat(across, axis=1)
        tile = tile[: hidden.shape[0], : hidden.shape[1]].copy()
        tile[hidden] = (0.2 * tile[hidden] + 0.8 * np.array(_HIDDEN)).astype(np.uint8)
        known = self.subject.pixel_mm(self.size) is not None
        words = f"{self.policy.corruption.ratio:.0%} hidden in blocks of {down} x {across} pixels"
        return _Cell(
            tiles=(tile,), title="mask", words=words + ("" if known else ", spacing unknown")
        )

    def _at_limit(self, rule: ViewRule, ends: dict[str, float]) -> Tile | None:
        plugin = plugins.load("transforms", rule.transform)
        params = plugin.Config.parse(rule.params, where=rule.transform).model_dump()
        return self._strongest(
            rule.transform, {key: _like(value, ends.get(key)) for key, value in params.items()}
        )

    def _strongest(self, transform: str, params: dict[str, Any]) -> Tile | None:
        """Return the draw that changes the image most; None if a picture cannot show it."""
        plugin = plugins.load("transforms", transform)
        if plugin.channels not in (None, len(self.subject.unit)) or params.get("axis") == "ap":
            return None
        try:
            config = plugin.Config.parse(params, where=transform)
        except ConfigError:
            return None
        step = Step(name=transform, p=1.0, transform=plugin(config))
        plan = ViewPlan(size=self.size, intensities=self.plain, steps=(step,))
        views = one_view(self.batch, plan, draws=self.draws)[0]
        changes = (views - self.original).abs().flatten(1).mean(dim=1)
        return self._tile(views[int(changes.argmax())])

    def _tile(self, unit: torch.Tensor) -> Tile:
        """Return a picture; what is darker or brighter than the image widens the range of greys."""
        values = unit.numpy()
        low, high = np.percentile(values, (0.5, 99.5))
        low, high = min(float(low), self.ends[0]), max(float(high), self.ends[1])
        grey = ((values - low) / max(high - low, 1e-6)).clip(0, 1)
        colour = grey[:3] if len(grey) >= 3 else grey[:1].repeat(3, axis=0)
        tile: Tile = np.ascontiguousarray((np.moveaxis(colour, 0, -1) * 255).astype(np.uint8))
        return tile


def _like(default: Any, end: float | None) -> Any:
    """Return a setting at its limit, in the form of its default."""
    if end is None:
        return default
    if isinstance(default, tuple | list):
        return (end,) * len(default)
    return round(end) if isinstance(default, int) else end


def _said(rule: ViewRule, *, has_limit: bool) -> str:
    changes = []
    for key, value in rule.params.items():
        end = {**rule.limits, **rule.least}.get(key)
        shown = value[-1] if isinstance(value, tuple | list) else value
        at_limit = f" | {end:g}" if has_limit and end is not None else ""
        if not isinstance(shown, str):
            changes.append(f"{key} {shown:g}{at_limit}")
    return ", ".join(changes) or rule.because


def _laid_out(title: str, groups: dict[str, list[_Cell]]) -> Pillow.Image:
    cell = 2 * _TILE + 3 * _GAP
    width = _COLUMNS * cell + _GAP
    rows = {
        level: [cells[at : at + _COLUMNS] for at in range(0, len(cells), _COLUMNS)]
        for level, cells in groups.items()
    }
    height = 40 + sum(
        (26 if level else 0) + len(lines) * (_TILE + _CAPTION) for level, lines in rows.items()
    )
    sheet = Pillow.new("RGB", (width, height + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, 8), title, font=ImageFont.load_default(size=18), fill="black")
    top = 40
    for level, lines in rows.items():
        colour = None
        if level:
            words, colour = _GROUPS[level]
            pen.rectangle((0, top, width, top + 20), fill=colour)
            pen.text((_GAP, top + 3), words, font=ImageFont.load_default(size=13), fill="white")
            top += 26
        for line in lines:
            for place, one in enumerate(line):
                _paste(sheet, pen, one, (_GAP + place * cell, top), colour)
            top += _TILE + _CAPTION
    return sheet


def _paste(
    sheet: Pillow.Image,
    pen: ImageDraw.ImageDraw,
    cell: _Cell,
    corner: tuple[int, int],
    colour: tuple[int, int, int] | None,
) -> None:
    left, top = corner
    for place, tile in enumerate(cell.tiles):
        picture = Pillow.fromarray(tile)
        scale = min(_TILE / edge for edge in picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Pillow.Resampling.BICUBIC)
        at = (left + place * (_TILE + _GAP), top)
        sheet.paste(picture, at)
        if colour is not None:
            end = (at[0] + size[0] - 1, at[1] + size[1] - 1)
            pen.rectangle((*at, *end), outline=colour, width=2)
    bold, small = ImageFont.load_default(size=13), ImageFont.load_default(size=11)
    pen.text((left, top + _TILE + 2), cell.title, font=bold, fill="black")
    for number, line in enumerate(_wrapped(pen, cell.words, small)[:2]):
        pen.text((left, top + _TILE + 17 + 12 * number), line, font=small, fill=(70, 70, 70))


def _wrapped(pen: ImageDraw.ImageDraw, words: str, font: Any) -> list[str]:
    """Break words into lines as wide as a cell."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font=font) > 2 * _TILE + _GAP and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
