"""Join what a method wants with what a modality allows: Policy + ViewSpec -> ViewPlan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from anlage import plugins
from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.modalities._policy import Policy, ViewRule
from anlage.types import TaskProfile, ViewSpec

if TYPE_CHECKING:  # torch is imported only when a plan is made
    from anlage.transforms.views import Intensities, MaskPlan, Step, ViewPlan

__all__ = ["Augmentation", "MaskChoice", "view_plan"]


class MaskChoice(BaseConfig):
    """How a recipe hides parts of images; None leaves a setting to the policy or the method.

    Attributes:
        kind: Name of a mask plug-in.
        ratio: Share of positions to hide.
        unit: Edge of a hidden block in pixels of the view.
        options: Settings of the mask plug-in.
    """

    kind: str = "random"
    ratio: float | None = Field(default=None, gt=0, lt=1)
    unit: int | None = Field(default=None, ge=1)
    options: dict[str, Any] = {}


class Augmentation(BaseConfig):
    """What a recipe changes about views; everything else is the policy's.

    Attributes:
        views: By view name: settings to change, or None to leave the view out.
        crop_scale: Least and largest share of an image that a view keeps.
        mask: How masked methods hide parts.
        window: Name of the modality's intensity window; None for its default.
    """

    views: dict[str, dict[str, Any] | None] = {}
    crop_scale: tuple[float, float] | None = None
    mask: MaskChoice = MaskChoice()
    window: str | None = None


def view_plan(
    policy: Policy,
    spec: ViewSpec,
    augmentation: Augmentation,
    *,
    modality: str,
    size: Sequence[int],
    intensities: Intensities,
    patch: int | None = None,
    task: TaskProfile | None = None,
) -> ViewPlan:
    """Make the plan of one run.

    Args:
        policy: The modality's policy.
        spec: What the method asks for.
        augmentation: What the recipe changes.
        modality: The policy's name, for messages.
        size: Edge lengths of a view in pixels.
        intensities: Calibration and standardisation.
        patch: The transformer's patch edge: mask units become multiples of it.
        task: The downstream task, whose label no view may change.

    Raises:
        ConfigError: If the recipe asks for a forbidden or too strong change, a crop below the
            policy's least scale, or a mask unit that does not fit the view or the patch.
    """
    from anlage.transforms.views import ViewPlan

    rules = policy.rules(augmentation.views, modality=modality)
    steps = []
    for name, rule in rules.items():
        step, full = _step(name, rule)
        policy.check(name, full, modality=modality)
        reason = policy.label_change(full, task)
        where = "this task" if reason else "these images"
        reason = reason or _misfit(step, channels=len(intensities.mean))
        if reason is not None and augmentation.views.get(name) is not None:
            raise ConfigError(
                f"view {name} cannot be used for {where}: {reason}. "
                "Remove it from the recipe's views."
            )
        if reason is None and len(size) in rule.dims:
            steps.append(step)
    return ViewPlan(
        size=tuple(size),
        intensities=intensities,
        crop_scale=_crop_scale(policy, augmentation, modality),
        crop_aspect=policy.crop.aspect,
        steps=tuple(steps),
        masking=_mask_plan(policy, spec, augmentation.mask, tuple(size), patch)
        if spec.is_masked
        else None,
    )


def _misfit(step: Step, *, channels: int) -> str | None:
    """Return why a view would leave images with so many channels as they are, or None."""
    needed = step.transform.channels
    if needed is None or needed == channels:
        return None
    return f"it changes colours of {needed} channels, and they have {channels}"


def _crop_scale(policy: Policy, augmentation: Augmentation, modality: str) -> tuple[float, float]:
    scale = augmentation.crop_scale or policy.crop.scale
    if not policy.crop.least_scale <= scale[0] <= scale[1] <= 1:
        raise ConfigError(
            f"crop_scale must lie between {policy.crop.least_scale:g} and 1 for {modality}, got "
            f"{list(scale)}: {policy.crop.because} ({policy.crop.source}). Crop less."
        )
    return scale


def _step(name: str, rule: ViewRule) -> tuple[Step, ViewRule]:
    """Return a view's step, and its rule with all settings of the transform filled in."""
    from anlage.transforms.views import Step

    plugin = plugins.load("transforms", rule.transform)
    config = plugin.Config.parse(rule.params, where=f"view {name}")
    full = rule.model_copy(update={"params": config.model_dump()})
    return Step(name=name, p=rule.p, transform=plugin(config)), full


def _mask_plan(
    policy: Policy, spec: ViewSpec, choice: MaskChoice, size: tuple[int, ...], patch: int | None
) -> MaskPlan:
    from anlage.transforms.views import MaskPlan

    unit = choice.unit or spec.mask_unit
    if unit is None:
        unit = _nearest_unit(policy.corruption.unit * min(size), size=size, patch=patch or 1)
    num_blocks = math.prod(edge // unit for edge in size)
    if unit % (patch or 1) or any(edge % unit for edge in size) or num_blocks < 2:
        raise ConfigError(
            f"mask unit must be a multiple of the patch ({patch or 1}) that divides every edge of "
            f"the view {list(size)} and leaves at least two blocks, got {unit}. Choose another "
            "unit or image size."
        )
    plugin = plugins.load("transforms/masks", choice.kind)
    config = plugin.Config.parse(choice.options, where=f"mask {choice.kind}")
    ratio = choice.ratio or spec.mask_ratio or policy.corruption.ratio
    return MaskPlan(mask=plugin(config), ratio=ratio, unit=unit)


def _nearest_unit(wanted: float, *, size: tuple[int, ...], patch: int) -> int:
    """Return the multiple of the patch that divides every edge and is nearest to ``wanted``.

    Raises:
        ConfigError: If it is less than half of ``wanted``: such small blocks are guessed from
            their neighbours, and nothing is learnt.
    """
    common = math.gcd(*size)
    fitting = [unit for unit in range(patch, common + 1, patch) if common % unit == 0]
    unit = min(fitting, key=lambda unit: abs(unit - wanted), default=patch)
    if 2 * unit < wanted:
        raise ConfigError(
            f"image size must let blocks of about {wanted:.0f} pixels be hidden, but the edges of "
            f"{list(size)} have only {common} as common divisor. Choose edges that share a larger "
            "one, or give the mask unit."
        )
    return unit
