"""What Anlage knows about one modality, as data: the shape of a policy, and how it is obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.modalities._scaling import Scaling
from anlage.plugins import available, nearest
from anlage.types import TaskProfile

__all__ = ["Corruption", "Crop", "Forbidden", "Policy", "ViewRule"]

# Mirrors have one name in every modality, so that tasks and recipes can speak of them.
_FLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    f"flip_{axis}": ("flip", {"axis": axis}) for axis in ("lr", "ud", "ap")
}
_QUARTER = 90.0  # degrees; beyond it more than half of an image lies on its other side
_ROOMS = ("transforms/intensity", "transforms/spatial")


class ViewRule(BaseConfig):
    """One change that this modality allows, at the strength at which it is safe.

    Attributes:
        transform: Name of a transform plug-in.
        p: Share of views that get it.
        params: Its default settings.
        limits: Largest absolute value that each numeric setting may take; beyond it the
            modality calls the change harmful.
        dims: Dimensions in which it makes sense.
        level: ``do`` if its use is advised, ``mild`` if it is only tolerated.
        because: One sentence, for the user.
        source: Rule id or citation.
    """

    transform: str
    p: float = Field(ge=0, le=1)
    params: dict[str, Any] = {}
    limits: dict[str, float] = {}
    dims: tuple[int, ...] = (2, 3)
    level: Literal["do", "mild"] = "do"
    because: str
    source: str


class Forbidden(BaseConfig):
    """A change that this modality never allows, with the reason.

    Attributes:
        transform: Name of a transform plug-in.
        params: Settings that make it forbidden; empty if every use is.
        because: One sentence, printed when a recipe asks for it.
        source: Rule id or citation.
    """

    transform: str
    params: dict[str, Any] = {}
    because: str
    source: str

    def matches(self, rule: ViewRule) -> bool:
        """Whether a view rule, its transform's defaults filled in, asks for what is forbidden."""
        return rule.transform == self.transform and all(
            rule.params.get(key) == value for key, value in self.params.items()
        )


class Crop(BaseConfig):
    """How much of an image a cropped view may leave out.

    Attributes:
        scale: Least and largest share of the area (2D) or volume (3D) that a view keeps.
        aspect: Least and largest factor by which the ratio of two edges may change.
        least_scale: Smallest share that any recipe may ask for; below it lesions get lost.
        because: One sentence, for the user.
        source: Rule id or citation.
    """

    scale: tuple[float, float]
    aspect: tuple[float, float] = (0.8, 1.25)
    least_scale: float
    because: str
    source: str


class Corruption(BaseConfig):
    """How a masked method hides parts of an image without hiding the disease.

    Attributes:
        ratio: Share of positions to hide.
        unit: Edge of one hidden block, as a share of the view's edge.
        because: One sentence, for the user.
        source: Rule id or citation.
    """

    ratio: float = Field(gt=0, lt=1)
    unit: float = Field(gt=0, le=0.5)
    because: str
    source: str


class Policy(BaseConfig):
    """Everything Anlage knows about one modality.

    Attributes:
        title: The modality's name in full.
        dims: Dimensions in which it is acquired.
        scaling: How raw values become stored values, and those the unit interval.
        crop: Limits of cropping.
        views: Allowed changes by name.
        forbidden: Changes that are never made, by name.
        corruption: Defaults for masked methods.
        shortcuts: What a network could learn instead of the disease.
        notes: Advice that is not a rule.
    """

    title: str
    dims: tuple[int, ...]
    scaling: Scaling
    crop: Crop
    views: dict[str, ViewRule]
    forbidden: dict[str, Forbidden]
    corruption: Corruption
    shortcuts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def rules(
        self, overrides: Mapping[str, Mapping[str, Any] | None] | None = None, *, modality: str
    ) -> dict[str, ViewRule]:
        """Return the view rules of a run: the policy's, changed by a recipe, not yet checked.

        Args:
            overrides: By view name: settings to change, or None to leave the view out. The name
                of a transform that the policy does not use adds it.
            modality: The policy's name, for messages.

        Raises:
            ConfigError: If there is no view of a name, or its probability is none.
        """
        rules = dict(self.views)
        for name, change in (overrides or {}).items():
            known = self._known(name, modality)
            if change is None:
                rules.pop(name, None)
                continue
            params = {**known.params, **change}
            values = {**known.model_dump(), "p": params.pop("p", known.p), "params": params}
            rules[name] = ViewRule.parse(values, where=f"view {name}")
        return rules

    def check(self, name: str, rule: ViewRule, *, modality: str) -> None:
        """Refuse what this modality forbids, whatever it is called, and what is too strong.

        Args:
            name: What the recipe calls the view.
            rule: The view with all settings of its transform, defaults included.
            modality: The policy's name, for messages.

        Raises:
            ConfigError: If the view is forbidden or stronger than its limit.
        """
        if (ban := self._ban(rule)) is not None:
            raise ConfigError(
                f"view {name} is forbidden for {modality}: {ban.because} ({ban.source}). "
                "Remove it from the recipe's views."
            )
        for own in self.views.values():
            for key, limit in own.limits.items() if own.transform == rule.transform else ():
                if (size := _size(rule.params.get(key))) > limit:
                    raise ConfigError(
                        f"view {name} may have {key} up to {limit:g} for {modality}, got "
                        f"{size:g}: {own.because} ({own.source}). Lower {key}."
                    )

    def label_change(self, rule: ViewRule, task: TaskProfile | None) -> str | None:
        """Return why a view, whatever it is called, would change a task's label, or None.

        Args:
            rule: The view with all settings of its transform, defaults included.
            task: The downstream task; None has no label.
        """
        for name, reason in task.label_changing.items() if task else ():
            named = self.views.get(name) or _named(name, self.forbidden.get(name))
            if rule.transform == named.transform and _kind(named.params) <= _kind(rule.params):
                return reason
            if named.transform == "flip" and _turns_over(rule):
                return f"{reason}, and half a turn swaps ends too"
        return None

    def _ban(self, rule: ViewRule) -> Forbidden | None:
        """Return what forbids a rule; who forbids a mirror also forbids to turn images over.

        A turn that the policy itself makes is its author's decision, within its own limits.
        """
        for ban in self.forbidden.values():
            if ban.matches(rule):
                return ban
        if _turns_over(rule) and rule.transform not in {
            own.transform for own in self.views.values()
        }:
            return next((ban for ban in self.forbidden.values() if ban.transform == "flip"), None)
        return None

    def _known(self, name: str, modality: str) -> ViewRule:
        if name in self.views:
            return self.views[name]
        transforms = {transform for room in _ROOMS for transform in available(room)}
        known = {*self.views, *self.forbidden, *_FLIPS, *transforms}
        if name not in known:
            free = {*self.views, *transforms} - {
                ban.transform for ban in self.forbidden.values() if not ban.params
            }
            raise ConfigError(
                f"there is no view {name!r} for {modality}.{nearest(name, sorted(known))} "
                f"Choose one of: {', '.join(sorted(free))}."
            )
        return _named(name, self.forbidden.get(name))


def _named(name: str, ban: Forbidden | None) -> ViewRule:
    transform, params = _FLIPS.get(name, (name, {}))
    if ban is not None:
        transform, params = ban.transform, ban.params
    return ViewRule(
        transform=transform,
        p=0.5,
        params=dict(params),
        because="added by the recipe",
        source="recipe",
    )


def _kind(params: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the settings that say what a change is, not how strong it is."""
    return {(key, value) for key, value in params.items() if isinstance(value, str)}


def _turns_over(rule: ViewRule) -> bool:
    """Whether a view may turn an image so far that its ends change places, as mirrors do."""
    degrees = _size(rule.params.get("degrees")) if rule.transform == "rotate" else 0.0
    return rule.transform == "quarter_turn" or degrees > _QUARTER


def _size(value: Any) -> float:
    if isinstance(value, list | tuple):
        return max((_size(item) for item in value), default=0.0)
    return abs(float(value)) if isinstance(value, int | float) else 0.0
