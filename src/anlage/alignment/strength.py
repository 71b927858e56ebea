"""One dial per transform: how strong it is, as a factor on the settings that policies limit.

A factor of 1 is the setting of the run, 0.5 half as far from doing nothing, 2 twice as far.
Which settings are strengths is read from the policies, all of which name their limits; a setting
that may not go below 1 (a gamma, a zoom) does nothing at 1 and is raised to a power, any other
does nothing at 0 and is multiplied.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError

from anlage import plugins
from anlage.config import BaseConfig
from anlage.modalities import Policy
from anlage.transforms.views import Step, ViewPlan

__all__ = [
    "alone",
    "crop_alone",
    "scaled_crop",
    "scaled_settings",
    "settings_of",
    "strengths_of",
    "transform_name",
]

_TRIES = (1.0, 0.875, 0.75, 0.625)  # of a factor above 1 that a transform refuses


def settings_of(step: Step) -> dict[str, Any]:
    """Return all settings of a step's transform."""
    config: BaseConfig = vars(step.transform)["config"]
    return config.model_dump()


def transform_name(step: Step) -> str:
    """Return the name of a step's plug-in: the file that its class lies in."""
    return type(step.transform).__module__.rpartition(".")[2]


def scaled_settings(step: Step, factor: float, *, modality: str | None = None) -> dict[str, Any]:
    """Return a step's settings at another strength, as far as its transform and policy allow.

    Args:
        step: The step as it is.
        factor: Of its strength.
        modality: The policy whose limits also hold; None for none.

    Returns:
        The settings that change; empty if there is no strength to change.
    """
    given = settings_of(step)
    names = [name for name in strengths_of(transform_name(step)) if name in given]
    limits = _limits(modality, transform_name(step))
    for reach in _TRIES if factor > 1 else (1.0,):
        changed = {
            name: _scaled(
                given[name],
                factor * reach,
                _neutral(step, name),
                limits.get(name),
                _least(step, name),
            )
            for name in names
        }
        changed = {name: value for name, value in changed.items() if value != given[name]}
        if not changed:
            return {}
        try:
            type(step.transform).Config.model_validate({**given, **changed})
        except ValidationError:
            continue
        return changed
    return {}


def alone(plan: ViewPlan, step: Step, settings: dict[str, Any] | None = None) -> ViewPlan:
    """Return a plan that does nothing but one step, to every image.

    A mirror keeps its probability: made always, it would hide nothing.
    """
    transform = step.transform
    if settings:
        plugin: Any = type(transform)
        transform = plugin(plugin.Config.model_validate({**settings_of(step), **settings}))
    chance = step.p if transform_name(step) == "flip" else 1.0
    only = Step(name=step.name, p=chance, transform=transform)
    return replace(plan, steps=(only,), crop_scale=(1.0, 1.0), crop_aspect=(1.0, 1.0), masking=None)


def crop_alone(plan: ViewPlan, scale: tuple[float, float] | None = None) -> ViewPlan:
    """Return a plan that only crops."""
    return replace(plan, steps=(), masking=None, crop_scale=scale or plan.crop_scale)


def scaled_crop(scale: tuple[float, float], factor: float) -> tuple[float, float]:
    """Return crops that leave out so many times more or less; at least 5 % stays."""
    low, high = (1 - factor * (1 - end) for end in scale)
    return max(round(low, 3), 0.05), max(round(high, 3), 0.05)


@cache
def strengths_of(transform: str) -> tuple[str, ...]:
    """Return the settings that some policy limits, of a transform; none: it has no strength."""
    found = {
        name
        for modality in plugins.available("modalities")
        for rule in _policy(modality).views.values()
        if rule.transform == transform
        for name in rule.limits
    }
    return tuple(sorted(found))


def _policy(modality: str) -> Policy:
    policy: Policy = plugins.load("modalities", modality)
    return policy


def _limits(modality: str | None, transform: str) -> dict[str, float]:
    if modality is None:
        return {}
    found: dict[str, float] = {}
    for rule in _policy(modality).views.values():
        if rule.transform == transform:
            found |= rule.limits
    return found


def _neutral(step: Step, name: str) -> float:
    return 1.0 if _least(step, name) == 1 and _is_real(settings_of(step)[name]) else 0.0


def _least(step: Step, name: str) -> float | None:
    bounds = type(step.transform).Config.model_fields[name].metadata
    found = [bound.ge for bound in bounds if getattr(bound, "ge", None) is not None]
    return float(found[0]) if found else None


def _is_real(value: Any) -> bool:
    return isinstance(value, float)


def _scaled(
    value: Any, factor: float, neutral: float, limit: float | None, least: float | None
) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_scaled(item, factor, neutral, limit, least) for item in value)
    if isinstance(value, bool | str) or value is None:
        return value
    moved = float(value) ** factor if neutral else float(value) * factor
    if limit is not None and factor > 1:
        moved = max(min(moved, limit), float(value))
    moved = moved if least is None else max(moved, least)
    return round(moved) if isinstance(value, int) else round(moved, 6)
