"""From advice to recipes that `anlage study` and `anlage pretrain` run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anlage import plugins
from anlage.advisor.answer import Advice, Recommendation, Strategy
from anlage.config import layered, write_yaml
from anlage.errors import ConfigError

__all__ = ["pretrain_recipe", "study_recipe", "write_recipes"]

_MOST_STRATEGIES = 2


def write_recipes(advice: Advice, path: Path) -> list[Path]:
    """Write the study as ``path`` and its first pretraining as ``<name>.pretrain.yaml``.

    The second alone is written for a task that this Anlage cannot run yet.

    Raises:
        ConfigError: If no pretraining can be run here.
    """
    best = _pretrainings(advice)
    beside = path.with_name(f"{path.stem}.pretrain.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_yaml(beside, pretrain_recipe(best[0].strategy))
    if advice.profile.task not in plugins.available("tasks"):
        return [beside]
    write_yaml(path, study_recipe(advice))
    return [path, beside]


def pretrain_recipe(strategy: Strategy) -> dict[str, Any]:
    """Return the settings of `anlage pretrain`."""
    return {"method": strategy.method, **layered(_common(strategy), _own(strategy))}


def study_recipe(advice: Advice) -> dict[str, Any]:
    """Return the settings of `anlage study`: the two best pretrainings that share an encoder.

    What a study compares must share encoder and image size with its twin from scratch, so the
    second best is taken along only if it does.
    """
    best = _pretrainings(advice)
    first = best[0].strategy
    alike = [
        found.strategy
        for found in best
        if (found.strategy.encoder, found.strategy.image_size) == (first.encoder, first.image_size)
    ]
    profile, plan = advice.profile, first.evaluation
    task: dict[str, Any] = {"task": profile.task}
    if profile.label and profile.task != "segmentation":
        task["label"] = list(profile.label)
    if profile.has_side:
        task["options"] = {"has_side": True}
    return {
        "tasks": [task],
        "strategies": [
            {"method": strategy.method, "settings": _own(strategy)}
            for strategy in alike[:_MOST_STRATEGIES]
        ],
        "controls": list(plan.controls),
        "budgets": list(plan.budgets),
        "pretrain": _common(first),
        "adapt": dict(first.finetune),
        "learning_rates": list(first.learning_rates),
        "pretrain_seeds": plan.pretrain_seeds,
        "draws": plan.draws,
    }


def _pretrainings(advice: Advice) -> list[Recommendation]:
    found = [one for one in advice.ranked if one.strategy.kind == "pretrain"]
    if not found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in advice.left_out.items())
        raise ConfigError(
            f"a recipe needs a pretraining that can be run here, there is none ({reasons}). Give "
            "more memory or hours."
        )
    return found


def _common(strategy: Strategy) -> dict[str, Any]:
    """Return what all strategies of a study share."""
    augmentation: dict[str, Any] = {"crop_scale": list(strategy.views.crop_scale)}
    if strategy.views.needs:
        augmentation["task_needs"] = list(strategy.views.needs)
    return {
        "encoder": strategy.encoder,
        "image_size": list(strategy.image_size),
        "augmentation": augmentation,
    }


def _own(strategy: Strategy) -> dict[str, Any]:
    """Return what is a strategy's own."""
    own: dict[str, Any] = {"steps": strategy.steps, "batch_size": strategy.batch_size}
    if strategy.masking is not None:
        mask: dict[str, Any] = {"ratio": strategy.masking.ratio}
        if strategy.masking.unit_mm is not None:
            mask["unit_mm"] = strategy.masking.unit_mm
        own["augmentation"] = {"mask": mask}
    return own
