"""What to change where the light is red: weaken as far as it must be, or leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anlage.alignment.auditor import CROP, MASK, Auditor, Finding
from anlage.alignment.intervals import Share
from anlage.alignment.rehearsal import Rehearsal
from anlage.alignment.score import LIMITS, Light, light_above
from anlage.alignment.strength import scaled_crop, scaled_settings
from anlage.config import layered
from anlage.transforms.masking import MaskPlan

__all__ = ["Checked", "Correction", "corrected", "corrections_of"]

_WEAKER = (0.75, 0.5, 0.25)
_LOWER = (0.75, 0.5, 0.35)  # of a mask's ratio
_FINE: tuple[Light, ...] = ("green", "unknown")


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One change to a recipe.

    Attributes:
        name: Part of the plan.
        says: The change in words.
        change: Settings of ``augmentation``.
    """

    name: str
    says: str
    change: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the corrected recipe was found to do, on the same images with the same views.

    Attributes:
        before: Least part of what the recipe keeps as it was.
        after: That of the corrected recipe; None if it cannot be used.
        limited_by: The part of the latter that is least.
        tried: The corrections.
        refused: Why the corrected recipe cannot be used; empty if it can.
        rehearsal: What a linear stand-in for the corrected pretraining gains.
    """

    before: Share
    after: Share | None
    limited_by: str | None
    tried: tuple[Correction, ...]
    refused: str = ""
    rehearsal: Rehearsal | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the corrections are proposed: they can be made, and keep no less.

        Shares are compared as they are shown, with two digits. Where there are no labels or
        lesions, and so no share, corrections take away what the parts were found to do.
        """
        if self.after is None:
            return False
        if self.before.value is None or self.after.value is None:
            return self.before.value is None
        return round(self.after.value, 2) >= round(self.before.value, 2)


def corrections_of(auditor: Auditor, findings: Iterable[Finding]) -> tuple[Correction, ...]:
    """Return the mildest change that helps, for every part whose light is red."""
    return tuple(_correction(auditor, found) for found in findings if found.light == "red")


def corrected(recipe: Mapping[str, Any], corrections: Iterable[Correction]) -> dict[str, Any]:
    """Return a recipe with corrections laid over its augmentation."""
    augmentation = dict(recipe.get("augmentation") or {})
    for correction in corrections:
        if "unit" in correction.change.get("mask", {}):
            mask = {**augmentation.get("mask", {})}
            mask.pop("unit_mm", None)
            augmentation["mask"] = mask
        augmentation = layered(augmentation, correction.change)
    return {**recipe, "augmentation": augmentation}


def _correction(auditor: Auditor, found: Finding) -> Correction:
    if found.name == CROP:
        return _milder_crop(auditor)
    if found.name == MASK:
        return _milder_mask(auditor)
    strategy = auditor.strategy
    step = next(one for one in strategy.plan.steps if one.name == found.name)
    for factor in _WEAKER:
        settings = scaled_settings(step, factor, modality=strategy.modality)
        if not settings:
            break
        numbers = found.at.get(factor) or auditor.step(step, settings)
        if numbers.light(is_calibrated=strategy.is_calibrated) in _FINE:
            plain = {key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()}
            shown = ", ".join(f"{key} {value}" for key, value in plain.items())
            return Correction(
                name=found.name, says=f"weaken to {shown}", change={"views": {found.name: plain}}
            )
    return Correction(name=found.name, says="leave out", change={"views": {found.name: None}})


def _milder_crop(auditor: Auditor) -> Correction:
    now = auditor.strategy.plan.crop_scale
    for factor in _WEAKER:
        scale = scaled_crop(now, factor)
        numbers = auditor.crop(scale)
        erased = numbers.erased
        is_within = erased is None or erased.value is None or erased.value <= LIMITS.erased
        if is_within and numbers.light(is_calibrated=False) in _FINE:
            break
    else:
        scale = (1.0, 1.0)
    return Correction(
        name=CROP,
        says=f"crop less: {scale[0]:g} to {scale[1]:g}, not {now[0]:g} to {now[1]:g}",
        change={"crop_scale": list(scale)},
    )


def _milder_mask(auditor: Auditor) -> Correction:
    plan = auditor.strategy.plan
    masking = plan.masking
    assert masking is not None, "a mask that was not drawn"
    choices = [
        *(_with_unit(masking, unit) for unit in _smaller_units(auditor, masking)),
        *(_with_ratio(masking, masking.ratio * factor) for factor in _LOWER),
    ]
    for other, says, change in choices:
        hidden = auditor.mask(replace(plan, masking=other)).hidden
        if light_above(hidden, LIMITS.hidden) == "green":
            return Correction(name=MASK, says=says, change={"mask": change})
    return Correction(
        name=MASK,
        says="guide the mask by label maps, so that part of every lesion stays",
        change={"mask": {"kind": "lesion"}},
    )


def _smaller_units(auditor: Auditor, masking: MaskPlan) -> list[int]:
    """Return units that divide the view and hold whole patches, from large to small."""
    size, patch = auditor.strategy.plan.size, auditor.strategy.patch or 1
    if not isinstance(masking.unit, int):
        return []
    return [
        unit
        for unit in range(masking.unit - 1, 1, -1)
        if unit % patch == 0 and all(edge % unit == 0 for edge in size)
    ]


def _with_unit(masking: MaskPlan, unit: int) -> tuple[MaskPlan, str, dict[str, Any]]:
    says = f"hide blocks of {unit} pixels, not {masking.unit}"
    return replace(masking, unit=unit), says, {"unit": unit}


def _with_ratio(masking: MaskPlan, ratio: float) -> tuple[MaskPlan, str, dict[str, Any]]:
    ratio = round(ratio, 2)
    start = None if masking.start_ratio is None else min(masking.start_ratio, ratio)
    says = f"hide {ratio:.0%}, not {masking.ratio:.0%}"
    return replace(masking, ratio=ratio, start_ratio=start), says, {"ratio": ratio}
