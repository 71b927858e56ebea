"""What finished studies predicted, case by case, and how large the lesion of every case is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import ndimage

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.study.ledger import Ledger
from anlage.study.plan import TWINS

__all__ = ["Place", "Run", "Source", "diameter", "places", "terciles"]

Floats = npt.NDArray[np.float64]
Run = tuple[int, int]  # draw, pretraining seed


@dataclass(frozen=True, kw_only=True)
class Source:
    """One finished study and the store that it was made on.

    Attributes:
        store: Folder of the store.
        study: Folder of the study.
        edges_mm: Edges of the bins of size, in mm; None: terciles of the size as a share of the
            picture's edge, for pictures whose files state no spacing.
    """

    store: Path
    study: Path
    edges_mm: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """One task on one rung at one budget: what every arm predicted for the same cases.

    Attributes:
        data: Name of the store.
        task: Title of the task.
        is_dense: Whether a case has a label map as its target.
        rung: How the encoders were adapted.
        budget: Label budget.
        twin: Arm without pretraining.
        groups: Patient of each case, (M,).
        sizes: Diameter of each case's largest lesion, (M,); 0 without one.
        edges: Edges of the bins of size, small to large.
        unit: Of sizes and edges.
        arms: By arm and run: one row per case, in the order of ``groups``.
        planned_runs: Runs that every arm should have.
        seed: Of the bootstrap.
        replicates: Of the bootstrap.
    """

    data: str
    task: str
    is_dense: bool
    rung: str
    budget: str
    twin: str
    groups: npt.NDArray[np.int64]
    sizes: Floats
    edges: tuple[float, ...]
    unit: str
    arms: Mapping[str, Mapping[Run, pl.DataFrame]]
    planned_runs: int
    seed: int
    replicates: int

    @property
    def bins(self) -> npt.NDArray[np.int64]:
        """Bin of each case, (M,): 0, 1, ... from small to large; -1 without a lesion."""
        number = np.digitize(self.sizes, self.edges[1:-1])
        return np.where(self.sizes > 0, number, -1)

    @property
    def bin_names(self) -> tuple[str, ...]:
        """How to call the bins."""
        digits = 0 if self.unit == "%" else 2
        ends = [f"{round(edge, digits):g}" for edge in self.edges]
        inner = [f"{a} to {b} {self.unit}" for a, b in itertools.pairwise(ends[1:-1])]
        return (f"up to {ends[1]} {self.unit}", *inner, f"from {ends[-2]} {self.unit}")


def places(source: Source) -> tuple[list[Place], dict[str, Any]]:
    """Read a study: its places, and the facts of its results file.

    Raises:
        DataError: If it was made on another store, or has no results.
    """
    results = _results(source.study)
    store = Store.open(source.store)
    if results["data"]["fingerprint"] != store.fingerprint:
        raise DataError(
            f"lesions must be measured in the images of the study, but {source.study} was made on "
            f"the store {results['data']['fingerprint']} and {source.store} is "
            f"{store.fingerprint}. Name the study's store."
        )
    ledger = Ledger(source.study)
    found: dict[tuple[str, str, str], dict[str, dict[Run, pl.DataFrame]]] = {}
    for key in filter(ledger.is_done, results["jobs"]):
        facts = ledger.result(key)
        if facts["rung"] in TWINS:
            arms = found.setdefault((facts["task"], facts["rung"], facts["budget"]), {})
            cases = ledger.cases(key).sort("row")
            arms.setdefault(facts["arm"], {})[facts["draw"], facts["seed"]] = cases
    sizes = _sizes(store, found.values(), in_mm=source.edges_mm is not None)
    edges = source.edges_mm or terciles([one for one in sizes.values() if one > 0])
    config = results["config"]
    made = [
        Place(
            data=store.root.name,
            task=task,
            is_dense=results["tasks"][task]["signal"] == "dense",
            rung=rung,
            budget=budget,
            twin=TWINS[rung],
            groups=store.patients[_rows(arms, source.study)],
            sizes=np.array([sizes[row] for row in _rows(arms, source.study).tolist()]),
            edges=edges,
            unit="mm" if source.edges_mm else "%",
            arms=arms,
            planned_runs=_planned(config),
            seed=config["seed"],
            replicates=config["replicates"],
        )
        for (task, rung, budget), arms in found.items()
    ]
    return made, results


def diameter(mask: npt.NDArray[Any], spacing_mm: Sequence[float]) -> float:
    """Return the diameter of the disc or ball as large as the largest connected lesion.

    Args:
        mask: Label map, (*S): all above 0 is lesion; what touches, also at corners, is one.
        spacing_mm: Edges of a pixel.
    """
    is_lesion = np.asarray(mask) > 0
    parts, count = ndimage.label(is_lesion, structure=np.ones((3,) * is_lesion.ndim))
    if not count:
        return 0.0
    content = float(np.bincount(parts.ravel())[1:].max() * np.prod(spacing_mm))
    if is_lesion.ndim == 2:
        return 2 * float(np.sqrt(content / np.pi))
    return 2 * float(np.cbrt(3 * content / (4 * np.pi)))


def terciles(sizes: Sequence[float]) -> tuple[float, ...]:
    """Return the edges of three bins with equally many lesions.

    Raises:
        DataError: If there are fewer than three lesions.
    """
    if len(sizes) < 3:
        raise DataError(
            f"three bins of size need three lesions or more, got {len(sizes)}. Take a store whose "
            "test images have label maps."
        )
    return tuple(float(edge) for edge in np.quantile(sizes, (0, 1 / 3, 2 / 3, 1)))


def _sizes(
    store: Store, found: Iterable[Mapping[str, Mapping[Run, pl.DataFrame]]], *, in_mm: bool
) -> dict[int, float]:
    """Measure the largest lesion of every test case, in mm or % of the picture's mean edge."""
    rows = {
        row
        for arms in found
        for runs in arms.values()
        for cases in runs.values()
        for row in cases["row"].to_list()
    }
    sizes = {}
    for row in sorted(rows):
        mask = store.mask(row)
        if mask is None:
            raise DataError(
                f"every test image needs a label map, {store.ids[row]} of {store.root.name} has "
                "none. Use a store with label maps, empty ones for images without a lesion."
            )
        spacing = np.asarray(store.spacing_mm[row], dtype=np.float64)
        wide = np.asarray(store.shape(row)[1:]) * spacing
        whole = 1.0 if in_mm else float(np.prod(wide) ** (1 / len(wide))) / 100
        sizes[row] = diameter(np.asarray(mask), spacing) / whole
    return sizes


def _rows(arms: Mapping[str, Mapping[Run, pl.DataFrame]], study: Path) -> npt.NDArray[np.int64]:
    """Return the test rows, which all runs share."""
    found = [cases["row"].to_numpy() for runs in arms.values() for cases in runs.values()]
    if any(not np.array_equal(found[0], other) for other in found):
        raise DataError(
            f"all runs of {study} must be judged on the same cases, some differ. Run the study "
            "again in an empty folder."
        )
    return found[0].astype(np.int64)


def _planned(config: Mapping[str, Any]) -> int:
    return config["draws"] * (config["pretrain_seeds"] if config["is_crossed"] else 1)


def _results(study: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((study / "results.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{study} must be the folder of a finished study, but its results.json cannot be read "
            f"({error}). Run the study first."
        ) from None
