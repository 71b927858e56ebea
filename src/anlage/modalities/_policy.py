"""What Anlage knows about one modality, as data, and how it is obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.modalities._needs import NEEDS, Need, label_changing
from anlage.modalities._rules import (
    Artefact,
    Corruption,
    Crop,
    Forbidden,
    Hint,
    Pairs,
    Shortcut,
    ViewRule,
)
from anlage.modalities._scaling import Scaling
from anlage.plugins import available, nearest

__all__ = ["Policy"]

# Mirrors have one name in every modality, so that tasks and recipes can speak of them.
_FLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    f"flip_{axis}": ("flip", {"axis": axis}) for axis in ("lr", "ud", "ap")
}
_QUARTER = 90.0  # degrees; beyond it more than half of an image lies on its other side
_ROOMS = ("transforms/intensity", "transforms/spatial")


class Policy(BaseConfig):
    """Everything Anlage knows about one modality.

    Attributes:
        title: The modality's name in full.
        dims: Dimensions in which it is acquired.
        colour: Whether its pictures are in colour; ``either`` where both are usual.
        scaling: How raw values become stored values, and those the unit interval.
        crop: Limits of cropping.
        views: Allowed changes by name.
        forbidden: Changes that are never made, by name.
        corruption: Defaults for masked methods.
        pairs: Which two images may be a positive pair, and which a negative one.
        artefacts: What goes wrong in acquisition, by name, to test finished models with.
        shortcuts: What a network could learn instead of the disease.
        hints: What differs for some of these images, by name: sequences, tasks, regions.
        notes: Advice that is not a rule.
    """

    title: str
    dims: tuple[int, ...]
    colour: Literal["colour", "grey", "either"] = "either"
    scaling: Scaling
    crop: Crop
    views: dict[str, ViewRule]
    forbidden: dict[str, Forbidden]
    corruption: Corruption
    pairs: Pairs = Pairs()
    artefacts: dict[str, Artefact] = {}
    shortcuts: tuple[Shortcut, ...] = ()
    hints: dict[str, Hint] = {}
    notes: tuple[str, ...] = ()

    def rules(
        self, overrides: Mapping[str, Mapping[str, Any] | None] | None = None, *, modality: str
    ) -> dict[str, ViewRule]:
        """Return the view rules of a run: the policy's, changed by a recipe, not yet checked.

        Views to avoid are among them only if the recipe names them.

        Args:
            overrides: By view name: settings to change, or None to leave the view out. The name
                of a transform that the policy does not use adds it.
            modality: The policy's name, for messages.

        Raises:
            ConfigError: If there is no view of a name, or its probability is none.
        """
        rules = {name: rule for name, rule in self.views.items() if rule.level != "avoid"}
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
            for key, least in own.least.items() if own.transform == rule.transform else ():
                if (size := _smallest(rule.params.get(key))) < least:
                    raise ConfigError(
                        f"view {name} may have {key} down to {least:g} for {modality}, got "
                        f"{size:g}: {own.because} ({own.source}). Raise {key}."
                    )

    def caution(self, rule: ViewRule) -> ViewRule | None:
        """Return the rule that says to avoid a view, whatever it is called, or None."""
        alike = [
            own
            for own in self.views.values()
            if own.transform == rule.transform and _kind(own.params) <= _kind(rule.params)
        ]
        is_fine = any(own.level != "avoid" for own in alike)
        return None if is_fine else next(iter(alike), None)

    def label_change(self, rule: ViewRule, changing: Mapping[str, str]) -> str | None:
        """Return why a view, whatever it is called, would change a task's label, or None.

        Args:
            rule: The view with all settings of its transform, defaults included.
            changing: Views that change the label, with the reason: see TaskProfile.
        """
        for name, reason in changing.items():
            named = self.views.get(name) or _named(name, self.forbidden.get(name))
            if rule.transform == named.transform and _kind(named.params) <= _kind(rule.params):
                return reason
            if named.transform == "flip" and _turns_over(rule):
                return f"{reason}, and half a turn swaps ends too"
        return None

    def asks(self) -> dict[Need, tuple[str, ...]]:
        """Return what the user should say of the task, with the views that hang on it."""
        hanging: dict[Need, tuple[str, ...]] = {}
        for need in NEEDS:
            changing = label_changing([need])
            names = [n for n, rule in self.views.items() if self.label_change(rule, changing)]
            if names:
                hanging[need] = tuple(names)
        return hanging

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


def _smallest(value: Any) -> float:
    if isinstance(value, list | tuple):
        return min((_smallest(item) for item in value), default=0.0)
    return float(value) if isinstance(value, int | float) else 0.0
