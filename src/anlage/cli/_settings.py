"""From options to settings: only what the user gave, and ``--set a.b=value`` for the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import yaml

from anlage import plugins
from anlage.errors import ConfigError

_ROOMS = {"method": "methods", "encoder": "encoders", "task": "tasks"}

__all__ = ["ending", "gather", "numbers", "sizes"]


def gather(options: dict[str, Any], extra: Sequence[str] = ()) -> dict[str, Any]:
    """Return the options that were given, with ``--set`` entries laid over them.

    Args:
        options: By setting name; None or an empty list means not given.
        extra: Texts like ``method_options.temperature=0.1``; values are read as YAML.

    Raises:
        ConfigError: If an entry has no "=", no readable value, or lies in something that is no
            group; or if there is no method, encoder or task of a name.
    """
    settings: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None and value not in ([], ())
    }
    for text in extra:
        place, value = _entry(text)
        *groups, last = place.split(".")
        target = settings
        for group in groups:
            target = target.setdefault(group, {})
            if not isinstance(target, dict):
                raise ConfigError(
                    f"--set {place}: {group} must be a group of settings, it is given as "
                    f"{target!r} already. Give only one of the two."
                )
        target[last] = value
    for option, room in _ROOMS.items():
        named = settings.get(option)
        for name in named if isinstance(named, list) else [named]:
            if isinstance(name, str):
                plugins.family(room, name)  # refuses a name without a file; imports nothing
    return settings


def _entry(text: str) -> tuple[str, Any]:
    """Read one "a.b=value"."""
    place, equals, value = text.partition("=")
    place = place.strip()
    if not equals or not all(place.split(".")):
        raise ConfigError(f"--set takes key=value, such as steps=500, got {text!r}.")
    try:
        return place, yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # ValueError: a date or number that is none
        raise ConfigError(
            f"--set {place} must have a value that YAML can read, got {value!r}. Close every "
            "bracket and quote."
        ) from None


def sizes(text: str | None) -> list[int] | None:
    """Read edges like "64" or "48,56,48".

    Raises:
        ConfigError: If they are not whole numbers.
    """
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"a size is one whole number or one per axis with commas, got {text!r}."
        ) from None


def numbers(text: str | None) -> list[float] | None:
    """Read numbers like "1,1,3".

    Raises:
        ConfigError: If they are no numbers above zero.
    """
    if text is None:
        return None
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [0.0]
    if not all(0 < number < math.inf for number in found):
        raise ConfigError(f"spacing is one number above 0 mm per axis with commas, got {text!r}.")
    return found


def ending(status: str, reason: str) -> str:
    """Say how a run ended that did not finish, and what to do.

    Example:
        >>> ending("stopped", "stopped at step 21")
        'Stopped at step 21. Nothing is lost: the same command goes on from here.'
    """
    if status == "stopped":
        return f"{reason.capitalize()}. Nothing is lost: the same command goes on from here."
    return (
        f"{status.capitalize()}: {reason}. Lower the learning rate or choose another method, and "
        "another --out."
    )
