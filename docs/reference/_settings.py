"""Write settings.md from the settings models: every field, type, default and meaning."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from anlage import plugins
from anlage.data.phantoms import CohortConfig
from anlage.modalities import Augmentation, MaskChoice
from anlage.study.config import Strategy, StudyConfig, TaskChoice
from anlage.train.adapt import AdaptConfig
from anlage.train.finetune import FinetuneConfig
from anlage.train.loop import LoopConfig
from anlage.train.pretrain import PretrainConfig

PAGE = Path(__file__).with_name("settings.md")

_START = """# Settings

*Made by `docs/reference/_make.py` from the settings models; do not edit by hand.*

Settings come from a recipe (`--recipe FILE.yaml`), from options, and from `--set a.b=value`;
options and `--set` go before the recipe. A key that does not exist is refused with the nearest
one that does. What a run used, defaults included, is saved as `config.yaml` in its folder. None is
written `null` in YAML.
"""
_MODELS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("anlage pretrain", "", PretrainConfig),
    ("anlage finetune", "", FinetuneConfig),
    ("anlage study", "", StudyConfig),
    ("A strategy", "One entry of a study's `strategies`.", Strategy),
    ("A task", "One entry of a study's `tasks`.", TaskChoice),
    ("adapt", "The group `adapt` of a fine-tuning or a study.", AdaptConfig),
    ("augmentation", "The group `augmentation` of a pretraining or of `adapt`.", Augmentation),
    ("mask", "The group `mask` of `augmentation`.", MaskChoice),
    ("The loop", "What the settings above become inside a run; not set directly.", LoopConfig),
    ("A virtual cohort", "Given to `anlage.data.cohort.write_cohort`.", CohortConfig),
)
_ROOMS: tuple[tuple[str, str, str], ...] = (
    ("Methods", "methods", "Given as `method_options`."),
    ("Encoders", "encoders", "Given as `encoder_options`."),
    ("Tasks", "tasks", "Given as `task_options`, or as `options` of a study's task."),
    ("Transforms", "transforms", "Given under `augmentation.views`, with `p` beside them."),
    ("Masks", "transforms/masks", "Given as `augmentation.mask.options`."),
)
_NAMES = {str: "text", type(None): "null"}
_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "min_length": "{} or more"}


def render() -> str:
    """Return the page."""
    parts = [_START]
    for title, note, model in _MODELS:
        parts += [f"## {title}\n", f"{note}\n" if note else "", _intro(model), _table(model)]
    for title, room, note in _ROOMS:
        parts += [f"## {title}\n", f"{note}\n"]
        for name in plugins.available(room):
            if room == "transforms" and plugins.family(room, name) == "masks":
                continue  # a room of their own, below
            model = plugins.load(room, name).Config
            parts += [f"### {name}\n", _intro(model), _table(model)]
    return "\n".join(part for part in parts if part)


def _intro(model: type[BaseModel]) -> str:
    own = model.__dict__.get("__doc__")
    text = inspect.cleandoc(own or "").split("\nAttributes:\n")[0].strip()
    return re.sub(r"``([^`]*)``", r"`\1`", " ".join(text.split())) + "\n" if text else ""


def _table(model: type[BaseModel]) -> str:
    if not model.model_fields:
        return "No settings.\n"
    meanings = dict(_meanings(model))
    columns = ["setting", "type", "default", *(["meaning"] if meanings else [])]
    rows = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, field in model.model_fields.items():
        cells = [f"`{name}`", _kind(field), _default(field)]
        if meanings:
            cells.append(meanings.get(name, ""))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _meanings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Read the Attributes of a docstring, those of its bases too."""
    for base in reversed(model.__mro__):
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        _, _, listed = text.partition("\nAttributes:\n")
        for entry in re.split(r"\n(?=    \w)", listed):
            name, colon, meaning = entry.strip().partition(":")
            if colon and name.isidentifier():
                words = " ".join(meaning.split()).replace("|", "\\|")
                yield name, re.sub(r"``([^`]*)``", r"`\1`", words)


def _kind(field: FieldInfo) -> str:
    limits = [
        words.format(value)
        for item in field.metadata
        for key, words in _BOUNDS.items()
        if (value := getattr(item, key, None)) is not None
    ]
    return ", ".join([_type(field.annotation), *limits])


def _type(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    words = str(kind)
    if origin is Annotated:
        words = _type(parts[0])
    elif origin in {Union, types.UnionType}:
        words = " or ".join(_type(part) for part in parts)
    elif origin is Literal:
        words = ", ".join(f"`{choice}`" for choice in parts)
    elif origin is tuple and Ellipsis in parts:
        words = f"list of {_type(parts[0])}"
    elif origin is tuple:
        words = f"[{', '.join(_type(part) for part in parts)}]"
    elif origin is dict:
        words = "group"
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        words = f"group {kind.__name__}"
    elif isinstance(kind, type):
        words = _NAMES.get(kind, kind.__name__)
    return words


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*must be given*"
    return f"`{_plain(field.default)}`"


def _plain(value: object) -> str:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        own = {k: getattr(value, k) for k, f in fields.items() if getattr(value, k) != f.default}
        inside = ", ".join(f"{key}: {_plain(item)}" for key, item in own.items())
        return f"{{{inside}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_plain(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
