"""`anlage evaluate`: a fine-tuned model, judged on cases it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from anlage.data.splits import PARTS
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.evaluate.pictures import draw_worst_cases
from anlage.evaluate.predict import predict
from anlage.metrics import Estimate
from anlage.metrics.statistics.cluster_bootstrap import cluster_bootstrap
from anlage.tasks import Task
from anlage.train.distributed import join_world
from anlage.train.finetune import build_task
from anlage.train.model_files import load_model, read_model_card
from anlage.train.notices import tell
from anlage.train.runs import environment, now, refuse_unfinished, write_json
from anlage.train.start import seen_by
from anlage.types import Split

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model is worth on some cases.

    Attributes:
        metrics: By name, the headline first.
        folder: Where the cases, the picture and the numbers are.
    """

    metrics: dict[str, Estimate]
    folder: Path


def evaluate(
    run: str | Path,
    *,
    store: str | Path,
    part: Split = "test",
    split: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    allow_other_spacing: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> Evaluation:
    """Predict every labelled case of one part of a split and score it with intervals.

    Args:
        run: Folder of a finished fine-tuning.
        store: The images; the one it was tuned on, or another with the same labels.
        part: Part of the split.
        split: Name of the split; None: the one it was tuned on.
        out: Where results go; None: ``run/evaluation-<part>``.
        seed: Seed of the bootstrap.
        allow_other_spacing: Go on although the model would be shown pixels of quite another size
            than it was trained on.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        Every metric with its interval.

    Raises:
        ConfigError: If store and model do not fit, or their spacing does not.
        DataError: If the run holds no model, or the part no labelled images.
    """
    folder, opened = Path(run), Store.open(store)
    refuse_unfinished(folder, result="model")
    card = read_model_card(folder / "model")
    task = build_task(opened, card.task, card.label, card.task_options, classes=card.classes)
    rows = _labelled_rows(opened, task, part, split or card.split)
    fitted = load_model(folder / "model", task, opened, allow_other_spacing=allow_other_spacing)
    seen = seen_by(folder / "model", opened, rows)
    if seen:
        tell(f"warning: {seen} of these {len(rows)} images were used in training")
    place = Path(out) if out else folder / f"evaluation-{part}"
    with join_world(device) as world:
        cases = predict(fitted, task, opened, rows, device=world.device)
        found = {
            name: cluster_bootstrap(
                statistic, seed=seed, groups=opened.patients[rows], strata=task.strata[rows]
            )
            for name, statistic in task.metrics(cases).items()
        }
        place.mkdir(parents=True, exist_ok=True)
        draw_worst_cases(place / "worst.png", fitted, task, opened, cases, device=world.device)
    cases.write_parquet(place / "cases.parquet")
    about = {"store": opened.fingerprint, "part": part, "split": split or card.split, "seen": seen}
    write_json(
        place / "metrics.json",
        {"metrics": _plain(found), "run": {**environment(), "written": now(), **about}},
    )
    for name, estimate in found.items():
        tell(f"  {name:20s} {_interval(estimate)}")
    for warning in next(iter(found.values())).warnings:
        tell(f"  {warning}")
    tell(f"{len(rows)} images of {len(np.unique(opened.patients[rows]))} patients.  Look: {place}")
    labels = "".join(f" --label {name}" for name in card.label)
    tell(f"Next: anlage study {store} --task {card.task}{labels} --out {folder}-study")
    return Evaluation(metrics=found, folder=place)


def _labelled_rows(store: Store, task: Task, part: str, split: str) -> npt.NDArray[np.int64]:
    if part not in PARTS:
        raise ConfigError(f"part must be one of {', '.join(PARTS)}, got {part!r}.")
    rows = store.split(split)[part]
    labelled: npt.NDArray[np.int64] = rows[task.is_labelled[rows]]
    if not len(labelled):
        raise DataError(f"part {part} of split {split!r} has no labelled images. Choose another.")
    return labelled


def _interval(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"undefined: {estimate.reason}"
    return f"{estimate.value:z.3f}  [{estimate.low:z.3f}, {estimate.high:z.3f}]"


def _plain(found: dict[str, Estimate]) -> dict[str, Any]:
    return {
        name: {
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "patients": estimate.num_patients,
            "warnings": list(estimate.warnings),
        }
        for name, estimate in found.items()
    }
