"""Pictures of the worst cases: an image and its view side by side, lesions outlined."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional as F

from anlage.alignment.auditor import CROP, MASK, Finding, Strategy
from anlage.alignment.erasure import contrast_left, hidden_shares, retained_shares
from anlage.alignment.material import Material
from anlage.alignment.preservation import unit_plan
from anlage.alignment.strength import alone, crop_alone
from anlage.data.summary import upright
from anlage.tensors import Views
from anlage.transforms import IntensityTransform
from anlage.transforms.masking import ErrorMap
from anlage.transforms.views import ViewPlan, make_views, one_view
from anlage.types import ViewSpec

__all__ = ["Picture", "worst_cases"]

Tile = npt.NDArray[np.uint8]

_EDGE = 200
_LOOKED_AT = 48
_SLIGHT = 0.25  # harm below that is rounding to pixels: what changed most is drawn instead
_OUTLINE = np.array((230, 159, 0), np.float32)  # orange and blue: told apart by everyone
_HIDDEN = np.array((86, 180, 233), np.float32)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image before and after, as a PNG in base64, with words."""

    png: str
    words: str


def worst_cases(
    material: Material, strategy: Strategy, finding: Finding, *, seed: int, count: int = 3
) -> list[Picture]:
    """Draw the images that one part of a plan does most harm to.

    Args:
        material: The images.
        strategy: What is done to them.
        finding: The part.
        seed: Seed of its views, as in the audit.
        count: How many to draw.
    """
    chosen = _chosen(material)
    plan, spec = _alone(strategy, finding)
    batch = material.batch(chosen)
    # the same random numbers as in the audit, so that these very views were counted
    draws = material.draws(chosen, seed=seed, number=0)
    errors: ErrorMap | None = strategy.errors
    seen = make_views(batch, plan, spec, draws=draws, errors=errors)
    plain = replace(unit_plan(plan), steps=(), masking=None, crop_scale=(1.0, 1.0))
    before, maps = one_view(batch, plain, draws=None)
    shown = _unit(seen, plan)
    harm, what = _harm(seen, (before, shown), material, chosen, plan)
    order = torch.argsort(harm, descending=True, stable=True)[:count].tolist()
    pictures = []
    for number in order:
        first = _tile(before[number], None if maps is None else maps[number], None)
        label_map = seen.label_maps[0][number] if seen.label_maps else None
        mask = seen.masks[0][number] if seen.masks else None
        second = _tile(shown[number], label_map, mask)
        pictures.append(Picture(png=_png(first, second), words=what.format(float(harm[number]))))
    return pictures


def _chosen(material: Material) -> npt.NDArray[np.int64]:
    if material.label_maps is None:
        return np.arange(min(_LOOKED_AT, len(material)))
    has = np.flatnonzero((material.label_maps.flatten(1) > 0).any(dim=1).numpy())
    return has[:_LOOKED_AT] if len(has) else np.arange(min(_LOOKED_AT, len(material)))


def _alone(strategy: Strategy, finding: Finding) -> tuple[ViewPlan, ViewSpec]:
    spec = replace(strategy.spec, num_views=1)
    if finding.name == MASK:
        return strategy.plan, spec
    spec = replace(spec, is_masked=False, intensity=True)
    if finding.name == CROP:
        return crop_alone(strategy.plan), spec
    step = next(one for one in strategy.plan.steps if one.name == finding.name)
    return alone(strategy.plan, step), spec


def _unit(seen: Views, plan: ViewPlan) -> Tensor:
    shape = (1, -1, *[1] * len(plan.size))
    mean, std = (
        torch.tensor(values).reshape(shape)
        for values in (plan.intensities.mean, plan.intensities.std)
    )
    return (seen.images[0] * std + mean).clamp(0, 1)


def _harm(
    seen: Views,
    images: tuple[Tensor, Tensor],
    material: Material,
    chosen: npt.NDArray[np.int64],
    plan: ViewPlan,
) -> tuple[Tensor, str]:
    """Return how much each view is harmed, and words for it."""
    before, shown = images
    changed = (shown - before).abs().flatten(1).mean(dim=1)
    plain = changed, "changed by {:.0%} of the range"
    if not seen.label_maps:
        return plain
    inside = (seen.label_maps[0] > 0).long()
    if seen.masks:
        hidden = hidden_shares(inside, seen.masks[0], 1)[:, 0]
        return hidden.nan_to_num(0.0), "{:.0%} of the lesion hidden"
    if any(isinstance(step.transform, IntensityTransform) for step in plan.steps):
        left = contrast_left(before, shown, seen.label_maps[0])
        lost = (1 - left).nan_to_num(0.0).clamp(0, 1)
        return (lost, "{:.0%} of the lesion's contrast lost") if lost.max() > _SLIGHT else plain
    assert material.label_maps is not None, "label maps in views of images that have none"
    source = (material.label_maps[chosen] > 0).flatten(1).sum(dim=1, keepdim=True).double()
    measure = source * material.spacing_mm[chosen].double().prod(dim=1, keepdim=True)
    kept = retained_shares(inside, seen.geometry[0], measure)[:, 0]
    outside = (1 - kept).nan_to_num(0.0)
    return (outside, "{:.0%} of the lesion outside the view") if outside.max() > _SLIGHT else plain


def _tile(unit: Tensor, label_map: Tensor | None, mask: Tensor | None) -> Tile:
    plane = _slice(unit, label_map)
    picture = _plane(unit, plane)
    picture = _grown(picture, Pillow.Resampling.BICUBIC)
    if mask is not None:
        for axis, edge in enumerate(unit.shape[1:]):
            mask = mask.repeat_interleave(edge // mask.shape[axis], dim=axis)
        hidden = _grown(_plane(mask[None].float(), plane), Pillow.Resampling.NEAREST)[..., 0] > 127
        picture[hidden] = 0.15 * picture[hidden] + 0.85 * _HIDDEN
    if label_map is not None:
        lesion = _grown(_plane((label_map > 0)[None].float(), plane), Pillow.Resampling.NEAREST)
        inner = torch.from_numpy((lesion[..., 0] > 127).astype(np.float32))[None, None]
        wide = F.max_pool2d(inner, 5, stride=1, padding=2)
        edge_of = ((wide - inner) > 0)[0, 0].numpy()
        picture[edge_of] = _OUTLINE
    return picture.astype(np.uint8)


def _slice(unit: Tensor, label_map: Tensor | None) -> int | None:
    """Return the slice of a volume that shows most of a lesion, else its middle."""
    if unit.ndim == 3:
        return None
    if label_map is not None and (label_map > 0).any():
        return int((label_map > 0).sum(dim=(0, 1)).argmax())
    return unit.shape[3] // 2


def _plane(image: Tensor, plane: int | None) -> npt.NDArray[np.float32]:
    array = image.numpy() if plane is None else image.numpy()[..., plane]
    flat = np.moveaxis(array, 0, -1)
    flat = flat if plane is None else upright(flat)
    colour = flat[..., :3] if flat.shape[-1] >= 3 else np.repeat(flat[..., :1], 3, axis=-1)
    found: npt.NDArray[np.float32] = np.ascontiguousarray(colour, dtype=np.float32) * 255
    return found


def _grown(picture: npt.NDArray[np.float32], how: Pillow.Resampling) -> npt.NDArray[np.float32]:
    rows, columns = picture.shape[:2]
    scale = _EDGE / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    image = Pillow.fromarray(picture.clip(0, 255).astype(np.uint8)).resize(size, how)
    return np.asarray(image, dtype=np.float32).copy()


def _png(first: Tile, second: Tile) -> str:
    rows = max(len(first), len(second))
    sheet = Pillow.new("RGB", (first.shape[1] + second.shape[1] + 6, rows), "white")
    sheet.paste(Pillow.fromarray(first), (0, 0))
    sheet.paste(Pillow.fromarray(second), (first.shape[1] + 6, 0))
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()
