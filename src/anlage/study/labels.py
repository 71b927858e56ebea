"""Which labels a study learns from and is judged by: the same for every arm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from anlage.data.budgets import budget_rows, parse_budget
from anlage.data.store import Store
from anlage.errors import DataError
from anlage.report.words import several
from anlage.study.config import StudyConfig
from anlage.tasks import Task

__all__ = [
    "CLAIM_PATIENTS",
    "CLAIM_RAREST",
    "Labels",
    "draw_labels",
    "rarest_notes",
    "shortage_notes",
    "test_cases",
]

Rows = npt.NDArray[np.int64]

# with fewer, an estimate is not claimable
CLAIM_PATIENTS = 50
CLAIM_RAREST = 20


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of one draw of one budget."""

    budget: str
    draw: int
    train: Rows
    validation: Rows


def test_cases(store: Store, config: StudyConfig, task: Task, title: str) -> tuple[Rows, list[str]]:
    """Return the test cases of a task, and what the user should know of them.

    Raises:
        DataError: If they are of fewer than two patients.
    """
    rows = _labelled(store, config, task, "test", title)
    if config.test_rows is not None and len(rows) > config.test_rows:
        rows = _evenly(rows, task.strata, config.test_rows)
    patients = len(np.unique(store.patients[rows]))
    if patients < 2:
        raise DataError(
            f"a study needs test images of two patients or more, {title} has {patients} in split "
            f"{config.split!r}. Prepare more patients, or choose another split."
        )
    if patients >= CLAIM_PATIENTS:
        return rows, []
    return rows, [
        f"{title}: the test set has {patients} patients. Intervals are shown; no claim is made "
        f"below {CLAIM_PATIENTS}."
    ]


def rarest_notes(store: Store, task: Task, test: Rows, title: str) -> list[str]:
    """Warn where too few test patients have the rarest class, counted as the headline counts.

    Tasks that say something of every pixel have no such limit.
    """
    if task.profile.signal != "global":
        return []
    records = pl.DataFrame([{"row": row, **task.record(row, None)} for row in test.tolist()])
    classes = task.metrics(records)[task.headline].classes
    if classes is None:
        return []
    case, column = np.nonzero(classes)
    pairs = np.unique(np.stack([store.patients[test][case], column]), axis=1)
    present, counts = np.unique(pairs[1], return_counts=True)
    patients, rarest = int(counts.min()), int(present[counts.argmin()])
    if patients >= CLAIM_RAREST:
        return []
    name = f" ({task.classes[rarest]})" if classes.shape[1] == len(task.classes) else ""
    return [
        f"{title}: the test set has {several(patients, 'patient')} of the rarest class{name}. "
        f"Intervals are shown; no claim is made below {CLAIM_RAREST}."
    ]


def shortage_notes(
    store: Store, config: StudyConfig, task: Task, drawn: Iterable[Labels], title: str
) -> list[str]:
    """Say what a budget really uses that asks for more patients per class than there are."""
    rows = _labelled(store, config, task, "train", title)
    everybody = len(np.unique(store.patients[rows]))
    found: dict[str, str] = {}
    for labels in drawn:
        shots = parse_budget(labels.budget).shots
        used = len(np.unique(store.patients[labels.train]))
        if shots is None or used >= shots * len(np.unique(task.strata[rows])):
            continue
        what = (
            f"all {several(len(rows), 'labelled training image')} of {several(used, 'patient')}"
            if used == everybody
            else f"{used:,} of {several(everybody, 'labelled training patient')}"
        )
        found[labels.budget] = (
            f"{title}: {labels.budget} asks for {several(shots, 'patient')} of each class, more "
            f"than there are. It uses {what}."
        )
    return list(found.values())


def draw_labels(store: Store, config: StudyConfig, task: Task, title: str) -> Iterator[Labels]:
    """Draw the labels of every budget; validation never has more labels than training.

    Raises:
        DataError: If the training part has no labelled images.
    """
    train = _labelled(store, config, task, "train", title)
    parts = store.split(config.split)
    validation = parts["val"][task.is_labelled[parts["val"]]]
    for name in config.budgets:
        budget = parse_budget(name)
        for draw in range(1 if budget.share == 1 else config.draws):
            ours, theirs = (
                budget_rows(rows, task.strata, store.patients, budget, draw=draw, seed=config.seed)
                for rows in (train, validation)
            )
            yield Labels(
                budget=name,
                draw=draw,
                train=ours,
                validation=_in_turn(theirs, task.strata, len(ours)),
            )


def _labelled(store: Store, config: StudyConfig, task: Task, part: str, title: str) -> Rows:
    rows = store.split(config.split)[part]
    labelled: Rows = rows[task.is_labelled[rows]]
    if not len(labelled):
        raise DataError(
            f"a study needs labelled images in {part}, split {config.split!r} has none for "
            f"{title}. Check the label column and the split."
        )
    return labelled


def _evenly(rows: Rows, strata: Rows, most: int) -> Rows:
    """Keep so many rows, every stratum with its share."""
    ordered = rows[np.lexsort((rows, strata[rows]))]
    places = ((np.arange(most) + 0.5) * len(rows) / most).astype(np.int64)
    return np.sort(ordered[places])


def _in_turn(rows: Rows, strata: Rows, most: int) -> Rows:
    """Keep so many rows at most, one of each stratum in turn, so that none is crowded out."""
    turn = np.zeros(len(rows), dtype=np.int64)
    for stratum in np.unique(strata[rows]):
        mine = strata[rows] == stratum
        turn[mine] = np.arange(mine.sum())
    return np.sort(rows[np.argsort(turn, kind="stable")[:most]])
