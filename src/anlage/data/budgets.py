"""Label budgets: the same nested, patient-grouped, stratified labels for every arm of a study.

A budget is a number of patients per class ("5-shot") or a share of the labelled training
patients ("10%"). For one draw there is one order of patients in every class, and every budget
takes the first of them, so smaller budgets lie inside larger ones.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anlage.errors import ConfigError

__all__ = ["Budget", "budget_rows", "parse_budget"]

_SHOTS = re.compile(r"(\d+)-?shot")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many labels: either shots (patients per class) or a share of all."""

    name: str
    shots: int | None = None
    share: float | None = None

    def take(self, patients: int) -> int:
        """Return how many of one class's patients are labelled: at least one."""
        if self.shots is not None:
            return min(self.shots, patients)
        assert self.share is not None, "a budget has shots or a share"
        return max(1, math.ceil(round(self.share * patients, 9)))


def parse_budget(text: str) -> Budget:
    """Read "5-shot", "5shot" or "10%".

    Raises:
        ConfigError: If it is neither, or out of range.
    """
    shots, share = _SHOTS.fullmatch(text.strip()), _SHARE.fullmatch(text.strip())
    if shots and int(shots[1]) > 0:
        return Budget(name=f"{int(shots[1])}-shot", shots=int(shots[1]))
    if share and 0 < float(share[1]) <= 100:
        return Budget(name=f"{float(share[1]):g}%", share=float(share[1]) / 100)
    raise ConfigError(
        f"a label budget must be like 5-shot (patients per class) or 10%, got {text!r}."
    )


def budget_rows(
    rows: npt.NDArray[np.int64],
    strata: npt.NDArray[np.int64],
    patients: npt.NDArray[np.int64],
    budget: Budget,
    *,
    draw: int,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Choose labelled rows.

    Args:
        rows: Labelled rows to choose from, (n,).
        strata: Class of every row of the store; a patient counts for the rarest of its classes.
        patients: Patient of every row of the store.
        budget: How many.
        draw: Number of the draw; each has its own order of patients.
        seed: Seed of all draws.

    Returns:
        The chosen rows, sorted.
    """
    chosen: list[int] = []
    for stratum, members in _patients_by_stratum(rows, strata, patients).items():
        order = sorted(members, key=lambda patient: _rank(seed, draw, stratum, patient))
        chosen += order[: budget.take(len(order))]
    return rows[np.isin(patients[rows], chosen)]


def _patients_by_stratum(
    rows: npt.NDArray[np.int64], strata: npt.NDArray[np.int64], patients: npt.NDArray[np.int64]
) -> dict[int, Sequence[int]]:
    counts = dict(zip(*np.unique(strata[rows], return_counts=True), strict=True))
    best: dict[int, int] = {}
    for row in rows.tolist():
        patient, stratum = int(patients[row]), int(strata[row])
        held = best.get(patient)
        if held is None or (counts[stratum], stratum) < (counts[held], held):
            best[patient] = stratum
    found: dict[int, list[int]] = {}
    for patient, stratum in best.items():
        found.setdefault(stratum, []).append(patient)
    return {stratum: sorted(found[stratum]) for stratum in sorted(found)}


def _rank(seed: int, draw: int, stratum: int, patient: int) -> tuple[bytes, int]:
    """Order patients by a hash, so that one more patient does not reshuffle the others.

    A checksum will not do: it is linear, so the orders of different draws would be related.
    """
    text = f"{seed}/{draw}/{stratum}/{patient}"
    return hashlib.blake2b(text.encode(), digest_size=8).digest(), patient
