"""Who is resampled: patients within strata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Bools, Floats, Ints

__all__ = ["Patients", "numbered"]

_ROWS = 100  # replicates drawn at once; part of the recipe, since it orders the random numbers
_MAX_BLOCKS = 1000


@dataclass(frozen=True)
class Patients:
    """The patients of a set of cases.

    Attributes:
        of_case: Number of each case's patient, (M,).
        strata: Numbers of the patients of each stratum; together all G of them.
    """

    of_case: Int[Ints, " M"]
    strata: tuple[Int[Ints, " _"], ...]

    @property
    def count(self) -> int:
        """Patients, G."""
        return int(self.of_case.max()) + 1

    @classmethod
    def of(
        cls, num_cases: int, groups: npt.ArrayLike | None, strata: npt.ArrayLike | None
    ) -> Patients:
        """Number the patients and sort them into strata.

        Args:
            num_cases: Cases, M.
            groups: Patient of each case, (M,); None: every case is a patient.
            strata: Class of each case, (M,); None: one stratum. A patient with cases of
                several classes belongs to the one that fewest patients have.

        Raises:
            ShapeError: If there is not one group and stratum per case.
        """
        of_case = np.arange(num_cases) if groups is None else numbered(groups, "groups", num_cases)
        if strata is None:
            return cls(of_case, (np.arange(int(of_case.max()) + 1),))
        classes = numbered(strata, "strata", num_cases)
        held = np.zeros((int(of_case.max()) + 1, int(classes.max()) + 1), dtype=np.bool_)
        held[of_case, classes] = True
        rarity = held.sum(axis=0)
        stratum = np.where(held, rarity, num_cases + 1).argmin(axis=1)
        members = (np.flatnonzero(stratum == number) for number in range(held.shape[1]))
        return cls(of_case, tuple(member for member in members if len(member)))

    def draws(
        self, num_replicates: int, rng: np.random.Generator
    ) -> Iterator[Float[Floats, "r G"]]:
        """Yield how often each patient is drawn, some replicates at a time."""
        for start in range(0, num_replicates, _ROWS):
            rows = min(_ROWS, num_replicates - start)
            counts = np.zeros((rows, self.count))
            for members in self.strata:
                size = len(members)
                picked = rng.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
                times = np.bincount(picked.ravel(), minlength=rows * size)
                counts[:, members] = times.reshape(rows, size)
            yield counts

    def left_out(self, rng: np.random.Generator) -> Iterator[Float[Floats, "r G"]]:
        """Yield weights that leave out one patient each, or one of 1000 blocks of patients."""
        spread = np.concatenate([rng.permutation(members) for members in self.strata])
        num_blocks = min(self.count, _MAX_BLOCKS)
        block = np.empty(self.count, dtype=np.int64)
        block[spread] = np.arange(self.count) % num_blocks
        for start in range(0, num_blocks, _ROWS):
            rows = np.arange(start, min(start + _ROWS, num_blocks))
            yield (block != rows[:, None]).astype(np.float64)

    def num_rarest(self, classes: Bool[Bools, "M C"] | None) -> int | None:
        """Return how many patients have the rarest class that occurs; None without classes."""
        if classes is None:
            return None
        held = np.zeros((self.count, classes.shape[1]), dtype=np.bool_)
        case, column = np.nonzero(classes)
        held[self.of_case[case], column] = True
        present = held.sum(axis=0)
        return int(present[present > 0].min())


def numbered(names: npt.ArrayLike, what: str, count: int) -> Int[Ints, " M"]:
    """Replace names by numbers in the order of the sorted names.

    Args:
        names: One for each, (count,).
        what: How to call them in an error.
        count: How many there must be.

    Raises:
        ShapeError: If there is not one name for each.
        DataError: If a name is missing.
    """
    values = np.asarray(names)
    if values.shape != (count,):
        raise ShapeError(
            f"{what} must hold one name for each of {count}, got shape {values.shape}. Give them "
            "in the order of the cases (run_groups: of the runs)."
        )
    if values.dtype.kind not in "biuUS" and _is_missing(values).any():
        raise DataError(
            f"{what} must name every case, got a missing name. Give unknown patients a name of "
            "their own each."
        )
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _is_missing(names: npt.NDArray[np.generic]) -> Bool[Bools, " M"]:
    """Mark None and NaN, the two ways in which tables leave a name out."""
    marks = [name is None or (isinstance(name, float) and np.isnan(name)) for name in names]
    return np.array(marks, dtype=np.bool_)
