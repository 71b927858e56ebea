"""Add a finished study to the user's own base: one row per strategy, budget and control.

Own rows are told from published ones by their study, ``local-`` and the start of the store's
fingerprint, so that results on the same images belong together. Learning a study again replaces
what it taught before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anlage.config import fingerprint
from anlage.errors import DataError
from anlage.evidence.base import local_table, read_table, write_table
from anlage.evidence.records import Row, read_row
from anlage.evidence.vocabulary import METRICS, MODALITIES, TASKS
from anlage.locks import locked
from anlage.plugins import available, family

__all__ = ["learn", "study_rows"]

_METRICS = {
    "average_precision": "auprc",
    "macro_f1": "f1",
    "quadratic_weighted_kappa": "kappa",
    "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse",
    "mean_average_precision": "map",
}
_NORMAL = 3.919927969080108  # 95% interval of a normal distribution, in standard deviations


def learn(study: str | Path) -> tuple[Row, ...]:
    """Add a study's comparisons with training from scratch to the user's own base.

    Args:
        study: Folder of a study.

    Returns:
        The rows, with their ids.

    Raises:
        DataError: If the folder holds no results, or none that can be learnt from.
    """
    values = _results(Path(study))
    table = local_table()
    with locked(table.parent, what="anlage evidence"):
        before = read_table(table) if table.is_file() else ()
        stamp = _stamp(values)
        kept = [row for row in before if row.source != stamp]
        start = max((int(row.row[1:]) for row in before), default=0) + 1
        new = tuple(
            read_row({**row, "row": f"L{start + number:03d}"}, where=f"{study}")
            for number, row in enumerate(study_rows(values))
        )
        if not new:
            raise DataError(
                f"{study} must hold a finished comparison of a method with its twin from scratch "
                "after fine-tuning, it holds none that counts. Let the study finish."
            )
        write_table(table, [*kept, *new])
    return new


def study_rows(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what results.json tells of each method, in the columns of the base.

    Only fine-tuning counts: published figures are about it. Runs that failed or are missing make
    a comparison unequal, so it is left out.
    """
    data = values["data"]
    methods = _methods(values)
    for one in values["comparisons"]:
        task = values["tasks"][one["task"]]["task"]
        headline = values["headlines"][one["task"]]
        metric = _METRICS.get(headline, headline)
        figures = _figures(values, one, headline)
        is_whole = one["delta"] is not None and not one["failed"] and not one.get("missing")
        if (
            one["rung"] != "finetune"
            or one["twin"] != "scratch"
            or one["arm"] not in methods
            or metric not in METRICS
            or task not in TASKS
            or data["modality"] not in MODALITIES
            or not is_whole
            or None in figures
        ):
            continue
        cell = _cell(values, one["task"], one["arm"], "finetune", one["budget"])
        patients = data["patients"].get("train", 0)
        yield {
            "study": f"local-{data['fingerprint'][:12]}",
            "authors": "own study",
            "title": f"{one['task']} of store {data['fingerprint'][:8]}",
            "citation": f"own study, written {values['run'].get('written', '')}",
            "paradigm": family("methods", methods[one["arm"]]),
            "method": methods[one["arm"]],
            "origin": "other",
            "pretext": one["arm"],
            "pretrained_on": "medical",
            "modality": data["modality"],
            "dims": f"{data['dims']}d",
            "encoder": values["config"]["pretrain"]["encoder"],
            "task": task,
            "dataset": data["fingerprint"],
            "labels": one["budget"],
            "label_fraction": min(1.0, cell["train_patients"] / patients) if patients else None,
            "label_count": round(cell["train_patients"]),
            "metric": metric,
            "protocol": "finetune",
            "ssl": figures[0],
            "baseline": figures[1],
            "baseline_type": "scratch",
            "baseline_note": "the same network from scratch",
            "delta_se": (one["high"] - one["low"]) / _NORMAL or None,
            "source": _stamp(values),
            "status": "read",
        }


def _methods(values: dict[str, Any]) -> dict[str, str]:
    """Return the method of each strategy, by its title; of those that this Anlage has."""
    named = {
        one.get("name") or one["method"]: one["method"] for one in values["config"]["strategies"]
    }
    return {title: method for title, method in named.items() if method in available("methods")}


def _figures(
    values: dict[str, Any], one: dict[str, Any], headline: str
) -> tuple[float | None, float | None]:
    """Return the strategy's figure and its twin's: the latter from the paired difference."""
    cell = _cell(values, one["task"], one["arm"], one["rung"], one["budget"])
    value = cell["metrics"].get(headline, {}).get("value") if cell else None
    if value is None or one["delta"] is None:
        return None, None
    metric = METRICS.get(_METRICS.get(headline, headline))
    sign = -1 if metric is not None and metric.direction == "lower" else 1
    return value, value - sign * one["delta"]


def _cell(values: dict[str, Any], task: str, arm: str, rung: str, budget: str) -> dict[str, Any]:
    wanted = (task, arm, rung, budget)
    found = (
        cell
        for cell in values["cells"]
        if (cell["task"], cell["arm"], cell["rung"], cell["budget"]) == wanted
    )
    return next(found, {})


def _results(study: Path) -> dict[str, Any]:
    path = study / "results.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("data", "tasks", "headlines", "cells", "comparisons", "config", "run"):
            values[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{study} must be a study with results.json, which is missing or damaged "
            f"({type(error).__name__}). Name the folder that was given to anlage study as --out."
        ) from None
    return dict(values)


def _stamp(values: dict[str, Any]) -> str:
    """Return what a study is known by: its store and settings."""
    return f"results.json of study {fingerprint({**values['config'], **values['data']})}"
