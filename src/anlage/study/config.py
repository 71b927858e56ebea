"""What a study compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from anlage.config import BaseConfig, layered, read_yaml
from anlage.data.budgets import parse_budget
from anlage.errors import ConfigError
from anlage.train.settings import AdaptConfig, PretrainConfig

__all__ = ["CONTROLS", "Rung", "Strategy", "StudyConfig", "TaskChoice", "read_config"]

Control = Literal["scratch", "random_frozen", "imagenet", "pixels", "prior"]
Rung = Literal["knn", "linear", "frozen", "finetune"]

CONTROLS: tuple[Control, ...] = ("scratch", "random_frozen", "imagenet", "pixels", "prior")

_PRETRAIN_ELSEWHERE = {
    "method": "name it under strategies",
    "method_options": "write it under a strategy's settings",
    "split": "write it as the study's split",
    "device": "write it as the study's device",
    "parts": "leave it out: a study pretrains on the training part alone",
}
_ADAPT_ELSEWHERE = {
    "mode": "choose among rungs",
    "learning_rate": "write it under learning_rates",
    "seed": "write it as the study's seed",
}
_SHARED = ("encoder", "encoder_options", "image_size", "field", "split", "parts", "device", "seed")


class Strategy(BaseConfig):
    """One way to pretrain.

    Attributes:
        name: What reports call it; None: the method's name.
        method: Name of a method plug-in.
        settings: Changes to the study's common pretraining settings. What a strategy shares with
            its twin from scratch, such as the encoder, is common to all.
    """

    name: str | None = None
    method: str
    settings: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """Name in reports."""
        return self.name or self.method

    @model_validator(mode="after")
    def _like_its_twin(self) -> Strategy:
        own = [name for name in (*_SHARED, "method") if name in self.settings]
        augmentation = self.settings.get("augmentation")
        if isinstance(augmentation, Mapping) and "window" in augmentation:
            own.append("augmentation.window")
        if own:
            raise ValueError(
                f"strategies of one study share {', '.join(own)} with their twin from scratch, but "
                f"{self.title} sets its own. Write it under pretrain, or run another study"
            )
        return self


class TaskChoice(BaseConfig):
    """One downstream task of a study.

    Attributes:
        name: What reports call it; None: the task and its labels.
        task: Name of a task plug-in.
        label: Label columns; none for tasks whose targets are label maps.
        options: Settings of the task.
        adapt: Changes to the study's common adaptation settings.
    """

    name: str | None = None
    task: str
    label: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    adapt: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """Name in reports."""
        return self.name or "-".join((self.task, *self.label))

    @field_validator("adapt")
    @classmethod
    def _no_choice_of_the_study(cls, adapt: dict[str, Any]) -> dict[str, Any]:
        _refuse("adapt", (name for name in _ADAPT_ELSEWHERE if name in adapt), _ADAPT_ELSEWHERE)
        return adapt


class StudyConfig(BaseConfig):
    """A study.

    Attributes:
        tasks: What the encoders are to be good for; they share the pretrainings.
        strategies: Ways to pretrain.
        controls: Which controls to run: from scratch at equal budget, a random frozen encoder,
            ImageNet weights where present, raw pixels, and the majority class or mean mask.
        budgets: Label budgets, such as "5-shot" and "10%".
        rungs: Ways of adaptation; None: all that suit the task.
        pretrain: Common pretraining settings.
        adapt: Common adaptation settings.
        learning_rates: Peak rates to choose from on the budget's validation labels, per arm.
            Without validation labels the first is taken.
        pretrain_seeds: Pretrainings per strategy.
        draws: Draws of labels per budget; the full budget has one.
        is_crossed: Whether every draw meets every pretraining seed; if not, draw d meets seed
            d modulo ``pretrain_seeds``, which costs less.
        split: Name of the split.
        seed: Seed of draws and bootstrap.
        replicates: Bootstrap replicates.
        device: ``auto``, ``cpu`` or ``cuda``.
        test_rows: Most test images to use, evenly taken from every class; None: all.
    """

    tasks: tuple[TaskChoice, ...] = Field(min_length=1)
    strategies: tuple[Strategy, ...] = (Strategy(method="simclr"),)
    controls: tuple[Control, ...] = CONTROLS
    budgets: tuple[str, ...] = Field(default=("5-shot", "10-shot", "10%", "100%"), min_length=1)
    rungs: tuple[Rung, ...] | None = Field(default=None, min_length=1)
    pretrain: PretrainConfig = PretrainConfig()
    adapt: AdaptConfig = AdaptConfig()
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1e-3, 3e-3, 3e-4), min_length=1
    )
    pretrain_seeds: int = Field(default=3, ge=1)
    draws: int = Field(default=3, ge=1)
    is_crossed: bool = True
    split: str = "default"
    seed: int = Field(default=0, ge=0, lt=2**32)
    replicates: int = Field(default=2000, ge=100)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    test_rows: int | None = Field(default=None, ge=2)

    @field_validator("budgets")
    @classmethod
    def _readable_budgets(cls, budgets: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(parse_budget(text).name for text in budgets)

    @field_validator("pretrain")
    @classmethod
    def _pretrain_as_the_study_does(cls, pretrain: PretrainConfig) -> PretrainConfig:
        _refuse("pretrain", _changed(pretrain, _PRETRAIN_ELSEWHERE), _PRETRAIN_ELSEWHERE)
        return pretrain

    @field_validator("adapt")
    @classmethod
    def _adapt_as_the_study_does(cls, adapt: AdaptConfig) -> AdaptConfig:
        _refuse("adapt", _changed(adapt, _ADAPT_ELSEWHERE), _ADAPT_ELSEWHERE)
        return adapt

    @model_validator(mode="after")
    def _nothing_twice(self) -> StudyConfig:
        named: dict[str, list[Any]] = {
            "tasks": [choice.title for choice in self.tasks],
            "strategies": [*CONTROLS, *(strategy.title for strategy in self.strategies)],
            "budgets": list(self.budgets),
            "rungs": list(self.rungs or ()),
            "controls": list(self.controls),
            "learning_rates": list(self.learning_rates),
        }
        for what, names in named.items():
            repeated = sorted({str(name) for name in names if names.count(name) > 1})
            if repeated:
                raise ValueError(
                    f"{what} need names of their own, {', '.join(repeated)} is there already"
                )
        return self


def read_config(
    recipe: Path | None = None,
    *,
    task: str | None = None,
    label: Sequence[str] = (),
    method: Sequence[str] = (),
    encoder: str | None = None,
    image_size: Sequence[int] | None = None,
    steps: int | None = None,
    **settings: Any,
) -> StudyConfig:
    """Return a study's config from a recipe, short options and settings; see ``study``.

    Raises:
        ConfigError: If a setting is unknown, out of range or given twice.
    """
    common = {"encoder": encoder, "image_size": image_size, "steps": steps}
    short = _written_out(settings, task=task, label=label, method=method, common=common)
    values = layered(read_yaml(recipe) if recipe else {}, short)
    values.pop("store", None)  # a study.yaml is a recipe too; it names the store it was made on
    where = recipe.name if recipe else "study"
    return StudyConfig.parse(values, where=where, beside=short if recipe else None)


def _written_out(
    settings: dict[str, Any],
    *,
    task: str | None,
    label: Sequence[str],
    method: Sequence[str],
    common: dict[str, Any],
) -> dict[str, Any]:
    """Return the settings that the short options stand for, over the others."""
    if label and task is None:
        raise ConfigError(
            f"a label belongs to a task, got label {', '.join(label)} without one. Name the task "
            "too, such as classification."
        )
    short: dict[str, Any] = {}
    if task is not None:
        short["tasks"] = [{"task": task, "label": list(label)}]
    if method:
        short["strategies"] = [{"method": name} for name in method]
    twice = sorted(short.keys() & settings.keys())
    if twice:
        raise ConfigError(
            f"{', '.join(twice)} must be given once, got the short form too. Leave one of them out."
        )
    given = {name: value for name, value in common.items() if value is not None}
    return layered(settings, {**short, "pretrain": given} if given else short)


def _changed(config: BaseConfig, names: Iterable[str]) -> list[str]:
    fields = type(config).model_fields
    return [name for name in names if getattr(config, name) != fields[name].default]


def _refuse(group: str, names: Iterable[str], remedies: Mapping[str, str]) -> None:
    """Refuse settings of a group that a study decides on itself."""
    found = [f"{group}.{name} is not this study's to read: {remedies[name]}" for name in names]
    if found:
        raise ValueError("; ".join(found))
