"""Add a finished study to the user's own base: one row per strategy, budget and control.

Own rows are told from published ones by their study, see `base.own_study`, so that results on the
same images about the same task and labels belong together. Learning a study again replaces what it
taught before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anlage.config import fingerprint
from anlage.errors import DataError
from anlage.evidence.base import local_table, own_study, read_table, write_table
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
_FEWEST_RUNS = 2
_UNEQUAL = "runs failed or are missing, so that the arms are unequal"
_SINGLE = "a single run says nothing of how much runs differ"
_GUESSING = "the network from scratch gave one answer to every case, it was guessing"
_NO_INTERVAL = "the difference has no interval"
_FEW_PATIENTS = "too few test patients for a claim"
_FINISH = "Let the study finish, with two or more runs of each."
_REMEDIES = {
    _UNEQUAL: "Give the study's command again; it goes on with what is missing.",
    _SINGLE: "Run the study with two or more pretrain_seeds or draws.",
    _GUESSING: "Run the study with more adapt.max_steps, until the network from scratch learns.",
    _NO_INTERVAL: _FINISH,
    _FEW_PATIENTS: "Run the study with more test patients.",
}
_ADVISED = {"ratio", "unit_mm"}  # of a mask, as the advisor's own recipes write them
_NORMAL = 3.919927969080108  # 95% interval of a normal distribution, in standard deviations


def learn(study: str | Path) -> tuple[Row, ...]:
    """Add a study's comparisons with training from scratch to the user's own base.

    Those that prove nothing are left out; which and why is printed.

    Args:
        study: Folder of a study.

    Returns:
        The rows, with their ids.

    Raises:
        DataError: If the folder holds no results, or none that can be learnt from.
    """
    values = _results(Path(study))
    left_out = _left_out(values["comparisons"])
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
                "after fine-tuning, it holds none that counts"
                f"{''.join(f'; {place}: {fault}' for fault, place in left_out.items())}. "
                f"{' '.join(dict.fromkeys(_REMEDIES[fault] for fault in left_out)) or _FINISH}"
            )
        for fault, place in left_out.items():
            print(f"Not learnt: {place}: {fault}.", file=sys.stderr)
        write_table(table, [*kept, *new])
    return new


def study_rows(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what results.json tells of each method, in the columns of the base.

    Only fine-tuning counts: published figures are about it. Comparisons that prove nothing, see
    `_why_not`, are left out. The labelled patients are kept: own results count near their budget.
    What changed views, crops or masks is named, see `_variant`: it says little of its method.
    """
    data = values["data"]
    methods = _methods(values)
    variants = dict(map(_variant, values["config"]["strategies"]))
    for one in values["comparisons"]:
        task = values["tasks"][one["task"]]["task"]
        headline = values["headlines"][one["task"]]
        metric = _METRICS.get(headline, headline)
        figures = _figures(values, one, headline)
        if (
            not _is_meant(one)
            or _why_not(one)
            or one["arm"] not in methods
            or metric not in METRICS
            or task not in TASKS
            or data["modality"] not in MODALITIES
            or None in figures
        ):
            continue
        cell = _cell(values, one["task"], one["arm"], "finetune", one["budget"])
        patients = data["patients"].get("train", 0)
        yield {
            "study": own_study(data["fingerprint"], task, _labels(values, one["task"])),
            "authors": "own study",
            "title": f"{one['task']} of store {data['fingerprint'][:8]}",
            "citation": f"own study, written {values['run'].get('written', '')}",
            "paradigm": family("methods", methods[one["arm"]]),
            "method": methods[one["arm"]],
            "origin": "other",
            "pretext": variants[one["arm"]],
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


def _is_meant(one: dict[str, Any]) -> bool:
    """Whether a comparison is of a kind that is learnt from: fine-tuning against scratch, alike.

    A kept encoder with a probe against a network that was fine-tuned compares two things at once.
    """
    is_alike = one.get("twin_rung") in {None, one["rung"]}  # not written by earlier versions
    return bool(one["rung"] == "finetune" and one["twin"] == "scratch" and is_alike)


def _why_not(one: dict[str, Any]) -> str:
    """Return why a comparison of the right kind proves nothing; empty if it proves something."""
    if not _is_meant(one):
        return ""
    faults = {
        _UNEQUAL: one["failed"] or one.get("missing"),
        _SINGLE: (one.get("runs") or 0) < _FEWEST_RUNS,
        _GUESSING: one.get("twin_one_answer"),
        _NO_INTERVAL: None in (one["delta"], one["low"], one["high"]),
        _FEW_PATIENTS: not one.get("is_claimable"),
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _left_out(comparisons: list[dict[str, Any]]) -> dict[str, str]:
    """Return the comparisons that prove nothing, by what is wrong with them."""
    found: dict[str, list[str]] = {}
    for one in comparisons:
        if fault := _why_not(one):
            place = f"{one['arm']} for {one['task']} at {one['budget']}"
            found.setdefault(fault, []).append(place)
    return {fault: ", ".join(dict.fromkeys(places)) for fault, places in found.items()}


def _labels(values: dict[str, Any], title: str) -> tuple[str, ...]:
    """Return the label columns of a study's task, by its title."""
    for task in values["config"].get("tasks", ()):
        labels = tuple(task.get("label") or ())
        if title == (task.get("name") or "-".join((task["task"], *labels))):
            return labels
    return ()


def _methods(values: dict[str, Any]) -> dict[str, str]:
    """Return the method of each strategy, by its title; of those that this Anlage has."""
    named = {
        one.get("name") or one["method"]: one["method"] for one in values["config"]["strategies"]
    }
    return {title: method for title, method in named.items() if method in available("methods")}


def _variant(strategy: dict[str, Any]) -> tuple[str, str]:
    """Return a strategy's title, and its method or what it is where it changes views or masks.

    Settings that all strategies of a study share do not count: they are what the user's images
    need. Nor do the ratio and unit of the mask, where the method keeps its own name.
    """
    method, settings = strategy["method"], strategy.get("settings") or {}
    title = strategy.get("name") or method
    augmentation = settings.get("augmentation") or {}
    mask = augmentation.get("mask") or {}
    changed = {name for name in ("views", "crop_scale") if augmentation.get(name)}
    changed |= {f"mask {name}" for name in mask.keys() - _ADVISED}
    changed |= {name for name in settings.get("method_options") or {} if name.startswith("mask")}
    if title != method and (changed or mask):
        return title, title
    what = ", ".join(sorted(changed)).replace("_", " ")
    return title, f"{method} with other {what}" if changed else method


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
