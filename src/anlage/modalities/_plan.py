"""Join what a method wants with what a modality allows: Policy + ViewSpec -> ViewPlan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from anlage import plugins
from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.modalities._masks import MaskChoice, mask_plan
from anlage.modalities._needs import Need, label_changing
from anlage.modalities._policy import Policy
from anlage.modalities._rules import ViewRule
from anlage.progress import say
from anlage.types import TaskProfile, ViewSpec

if TYPE_CHECKING:  # torch is imported only when a plan is made
    from anlage.transforms.views import Intensities, Step, ViewPlan

__all__ = ["Augmentation", "view_plan"]


class Augmentation(BaseConfig):
    """What a recipe changes about views; everything else is the policy's.

    Attributes:
        views: By view name: settings to change, or None to leave the view out.
        task_needs: What the labels hang on besides the disease: laterality, orientation, colour,
            intensity. Views that would destroy it are left out.
        crop_scale: Least and largest share of an image that a view keeps.
        mask: How masked methods hide parts.
        window: Name of the modality's intensity window; None for its default.
    """

    views: dict[str, dict[str, Any] | None] = {}
    task_needs: tuple[Need, ...] = ()
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
    pixel_mm: Sequence[float] | None = None,
) -> ViewPlan:
    """Make the plan of one run.

    Says once per process which views a named need of the task left out, and which views the
    recipe uses although the modality advises to avoid them.

    Args:
        policy: The modality's policy.
        spec: What the method asks for.
        augmentation: What the recipe changes.
        modality: The policy's name, for messages.
        size: Edge lengths of a view in pixels.
        intensities: Calibration and standardisation.
        patch: The transformer's patch edge: mask units become multiples of it.
        task: The downstream task, whose label no view may change.
        pixel_mm: Edges of a view's pixel: see :func:`view_pixel_mm`; None where unknown.

    Raises:
        ConfigError: If the recipe asks for a forbidden or too strong change, a crop below the
            policy's least scale, or a mask unit that does not fit the view or the patch.
    """
    from anlage.transforms.views import ViewPlan

    needed = label_changing(augmentation.task_needs)
    changing = {**needed, **(task.label_changing if task else {})}
    steps = []
    for name, rule in policy.rules(augmentation.views, modality=modality).items():
        step, full = _step(name, rule)
        policy.check(name, full, modality=modality)
        reason = policy.label_change(full, changing)
        where = "this task" if reason else "these images"
        reason = reason or _misfit(step, channels=len(intensities.mean))
        if reason is not None and augmentation.views.get(name) is not None:
            raise ConfigError(
                f"view {name} cannot be used for {where}: {reason}. "
                "Remove it from the recipe's views."
            )
        if policy.label_change(full, needed) is not None:
            _say_once(f"Left out for task_needs: view {name} ({reason}).")
        if reason is None and len(size) in rule.dims:
            steps.append(step)
            _warn(policy, name, full, modality)
    return ViewPlan(
        size=tuple(size),
        intensities=intensities,
        crop_scale=_crop_scale(policy, augmentation, modality),
        crop_aspect=policy.crop.aspect,
        steps=tuple(steps),
        masking=mask_plan(
            policy.corruption,
            spec,
            augmentation.mask,
            size=tuple(size),
            patch=patch,
            pixel_mm=pixel_mm,
        )
        if spec.is_masked
        else None,
    )


def _warn(policy: Policy, name: str, full: ViewRule, modality: str) -> None:
    if (caution := policy.caution(full)) is not None:
        _say_once(
            f"Careful: view {name} is better avoided for {modality}: {caution.because} "
            f"({caution.source}). It is used since the recipe asks for it."
        )


@cache
def _say_once(line: str) -> None:
    """Say a line to the user, but not again for every run of a study."""
    say(line)


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
