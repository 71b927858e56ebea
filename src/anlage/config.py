"""Settings: frozen pydantic models, read from YAML by a safe loader, saved beside results.

A config says what a run is; it never names code to import. Unknown keys are refused with the
nearest known one, because a misspelt setting that is silently ignored costs a night.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from anlage.errors import ConfigError
from anlage.plugins import nearest

__all__ = ["BaseConfig", "differences", "fingerprint", "layered", "read_yaml", "write_yaml"]

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 32
_BESIDE = "options or --set"


class BaseConfig(BaseModel):
    """Base of every settings model: frozen, keyword-only, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    @classmethod
    def read(cls, recipe: Path | None, settings: Mapping[str, Any], *, verb: str) -> Self:
        """Build settings from a recipe and from what was given beside it, which goes first.

        Args:
            recipe: YAML file; None: there is none.
            settings: By name, from options, ``--set`` or keywords.
            verb: Who asks, for messages.

        Raises:
            ConfigError: If the file cannot be read, or as in :meth:`parse`.
        """
        if recipe is None:
            return cls.parse(settings, where=verb)
        return cls.parse(layered(read_yaml(recipe), settings), where=recipe.name, beside=settings)

    @classmethod
    def parse(
        cls, values: Mapping[str, Any], *, where: str, beside: Mapping[str, Any] | None = None
    ) -> Self:
        """Build and check settings that a user wrote.

        Args:
            values: Settings by name.
            where: What to call these settings in an error: a file or an option.
            beside: Those of them that do not come from there but from options or ``--set``.

        Raises:
            ConfigError: If a key is unknown or a value is out of range; the message lists
                every fault at once.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            faults: dict[str, list[str]] = {}
            for item in error.errors():
                place = _BESIDE if _lies_in(beside or {}, item) else where
                faults.setdefault(place, []).append(_fault(cls, item))
            told = (f"{place}: {'; '.join(found)}" for place, found in faults.items())
            raise ConfigError("; ".join(told)) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping with the safe loader.

    Raises:
        ConfigError: If the file is missing, larger than 1 MB, no text, nested too deeply, uses
            anchors (which can blow up when expanded), or is not a mapping.
    """
    if not path.is_file():
        raise ConfigError(
            f"a recipe must be a YAML file, but {path} is not a file. Check the path."
        )
    if path.stat().st_size > _MAX_BYTES:
        raise ConfigError(
            f"a recipe must be under 1 MB, {path.name} has {path.stat().st_size:,} bytes. "
            "Keep data out of it."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        fault = _hazard(text)
        values = None if fault else yaml.safe_load(text)
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} must be UTF-8 text, which it is not. Save it so.") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or number that is none
        raise ConfigError(f"{path.name} is not valid YAML: {error}") from None
    if fault:
        raise ConfigError(f"{path.name} must not {fault}")
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path.name} must hold 'key: value' lines, got a {type(values).__name__}."
        )
    return values


def write_yaml(path: Path, config: BaseModel | Mapping[str, Any]) -> None:
    """Write settings as YAML, in the order of their definition."""
    values = config.model_dump(mode="json") if isinstance(config, BaseModel) else dict(config)
    path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")


def fingerprint(values: BaseModel | Mapping[str, Any]) -> str:
    """Return 16 hex digits that change whenever any setting changes."""
    plain = values.model_dump(mode="json") if isinstance(values, BaseModel) else values
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def layered(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over others: groups are joined key by key, everything else is replaced.

    Example:
        >>> layered({"adapt": {"epochs": 40, "seed": 1}}, {"adapt": {"seed": 2}})
        {'adapt': {'epochs': 40, 'seed': 2}}
    """
    joined = dict(base)
    for key, value in over.items():
        below = joined.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            joined[key] = layered(below, value)
        else:
            joined[key] = value
    return joined


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return one "key: old -> new" line for every setting in which two configs differ."""
    flat_old, flat_new = dict(_flatten(old)), dict(_flatten(new))
    keys = sorted(flat_old.keys() | flat_new.keys())
    return [
        f"{key}: {flat_old.get(key)!r} -> {flat_new.get(key)!r}"
        for key in keys
        if flat_old.get(key) != flat_new.get(key)
    ]


def _hazard(text: str) -> str:
    """Say what must not be in a YAML text; nothing if all is well. Nothing is built yet."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            return "use YAML anchors (& and *). Write the values out."
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            return f"nest groups or lists more than {_MAX_DEPTH} deep. Flatten them."
    return ""


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _lies_in(settings: Mapping[str, Any], item: Any) -> bool:
    """Return whether a fault is in these settings; a group that they only add to is not."""
    found: Any = settings
    for part in item["loc"]:
        if not isinstance(found, Mapping):
            break
        if part not in found:
            return False
        found = found[part]
    return item["type"] == "extra_forbidden" or not isinstance(found, Mapping)


def _fault(model: type[BaseModel], item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, item["loc"])
        return f"there is no setting {place!r}.{nearest(str(item['loc'][-1]), known)}"
    if item["type"] == "missing":
        return f"{place!r} must be given"
    if item["type"] == "value_error":
        return f"{place}: {item['ctx']['error']}" if place else str(item["ctx"]["error"])
    return f"{place or 'settings'}: {item['msg']}, got {item['input']!r}"


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the settings of the group that a fault lies in, inside a list or not."""
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        found = [] if field is None else [field.annotation, *get_args(field.annotation)]
        groups = [kind for kind in found if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not groups:
            return []
        model = groups[0]
    return list(model.model_fields)
