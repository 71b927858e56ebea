"""Published and own results as the gain model reads them: levels, and head-to-head contrasts.

How much pretraining gains at all is read off every result against a control. Which paradigm gains
more is read only off methods that one study compared on the same data, labels and metric: studies
of different paradigms also differ in their data and in the strength of their baselines, so that
comparing across them would be an ecological fallacy.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from anlage.advisor.mixed import Point
from anlage.advisor.preferences import Case, balance
from anlage.evidence import Row

__all__ = [
    "LAB",
    "abundance",
    "contrast_points",
    "head_to_head",
    "is_own",
    "is_variant",
    "level_points",
    "opponent",
    "own_share",
    "place_of",
    "share_of",
    "usable",
]

LAB = "the user's own"
MOST = 25.0  # points; beyond it the baseline failed to learn
_LEAST_SHARE = 0.001
_HALF = {"2d": 1000.0, "3d": 200.0}
_EQUIVALENT_POOL = 10_000
_TRANSFORMER = re.compile(r"vit|swin|transformer|unetr|sit-", re.IGNORECASE)
_OPPONENTS = (
    ("contrastive", re.compile(r"contrastive|moco|simclr|uscl", re.IGNORECASE)),
    ("predictive", re.compile(r"rotation|byol|barlow|vcl", re.IGNORECASE)),
    ("generative", re.compile(r"videomae|\bmae\b|mae-|models genesis", re.IGNORECASE)),
    ("hybrid", re.compile(r"smit|swin unetr", re.IGNORECASE)),
)


def abundance(share: float | None, count: int | None) -> float | None:
    """Return how plenty labels are, from 0 (0.1% or less) to 1 (all), on a logarithmic scale.

    A count without a share is read as a share of 10,000 cases, which makes 100 cases as scarce
    as 1%, as the bands of the base do.

    Example:
        >>> round(abundance(0.1, None), 3), abundance(1.0, 24), abundance(None, None)
        (0.667, 1.0, None)
    """
    if share is None and count is None:
        return None
    value = share if share is not None else min(1.0, (count or 0) / _EQUIVALENT_POOL)
    return 1 + math.log10(max(value, _LEAST_SHARE)) / 3


def place_of(count: int | None) -> float | None:
    """Return the place of a label budget: the decimal logarithm of the labelled patients.

    Example:
        >>> place_of(100), place_of(0), place_of(None)
        (2.0, 0.0, None)
    """
    return None if count is None else math.log10(max(count, 1))


def share_of(patients: float, dims: str) -> float:
    """Return the share of the published gain that the images of so many patients give.

    n / (n + h): half of it at h patients, which R22 puts at about 1,000 pictures. For volumes h is
    200: with 316 scans 9 points were gained where 10,412 gained 15 (E024, E023).

    Example:
        >>> share_of(1000, "2d"), share_of(200, "3d")
        (0.5, 0.5)
    """
    return patients / (patients + _HALF[dims])


def own_share(row: Row) -> float:
    """Return that share for an own result: its gain holds what few images cost already.

    Labelled patients and their share tell how many there were; 1 where they do not.
    """
    if not row.label_count or not row.label_fraction or row.dims[0] not in _HALF:
        return 1.0
    return share_of(row.label_count / row.label_fraction, row.dims[0])


def is_own(row: Row) -> bool:
    """Whether a row is one of the user's own results."""
    return row.study.startswith("local-")


def is_variant(row: Row) -> bool:
    """Whether an own result is about a method with other views, crops or masks than advised."""
    return is_own(row) and row.pretext not in {"", row.method}


def is_transformer(row: Row) -> bool:
    """Whether a row's encoder is a vision transformer."""
    return _TRANSFORMER.search(row.encoder) is not None


def usable(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Keep results in points, read at the source, against a control without self-supervision.

    An own result about a variant of a method counts only where the method itself was not tried on
    the same images, task and labels.
    """
    found = [row for row in rows if row.is_control and _has_points(row)]
    tried = {(row.study, row.method) for row in found if is_own(row) and not is_variant(row)}
    return tuple(
        row for row in found if not is_variant(row) or (row.study, row.method) not in tried
    )


def level_points(
    rows: Sequence[Row], offsets: Sequence[float], *, silent: frozenset[str] = frozenset()
) -> list[Point]:
    """Return what the results of `usable` say of the level of gains.

    Gains beyond 25 points count as 25. Half of what is left over between results of one study
    is taken for true differences between data sets; a printed standard error takes the place of
    the other half. Own results are about the user's own data: only their standard error is noise,
    and they have a place among label budgets. What sets their method apart is left in them, and
    named.

    Args:
        rows: The results.
        offsets: What is taken off each; for published results what sets the method apart.
        silent: Rules that may not speak.
    """
    points = []
    for row, offset in zip(rows, offsets, strict=True):
        own: dict[str, str] = {}
        if is_own(row):
            own = contrast_groups(row.task[0], row.paradigm, row.method, row.study)
            own["budget"] = row.study
        plenty = abundance(row.label_fraction, row.label_count)
        numbers = {
            "labels": 0.5 if plenty is None else plenty,
            "imagenet": float(row.baseline_type == "imagenet"),
            "supervised": float(row.baseline_type in {"supervised", "transfer"}),
            "transformer": float(row.baseline_type == "scratch" and is_transformer(row)),
            "own": float(row.origin == "own"),
            "natural": float(row.pretrained_on == "natural"),
            "rules": float(balance(case_of(row), without=silent)) if own else 0.0,
        }
        noise = 1.0 if row.delta_se is None else 0.0 if is_own(row) else 0.5
        points.append(
            Point(
                groups={
                    "task": row.task[0],
                    "modality": row.modality[0],
                    "study": row.study,
                    "lab": LAB if own else row.study,
                    **own,
                },
                numbers=numbers,
                effect=_held(row) - offset,
                place=place_of(row.label_count) if own else None,
                noise=noise,
                variance=0.0 if row.delta_se is None else (100 * row.delta_se) ** 2,
                row=row.row,
            )
        )
    return points


def head_to_head(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return results of different methods on the same data, labels and metric of one study.

    A method against another SSL method is a pair too, if the other one's paradigm can be read
    off the base; the second row then has the paradigm of the opponent and a gain of zero.
    """
    cells: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not _has_points(row):
            continue
        if row.is_control:
            cells[_cell(row)].append(row)
        elif row.baseline_type == "ssl" and (other := opponent(row)) is not None:
            cells[row.row] = [row, other]
    return {
        name: found
        for name, found in cells.items()
        if len({(row.paradigm, row.method) for row in found}) > 1
    }


def opponent(row: Row) -> Row | None:
    """Return what a row compares with, as a row with a gain of zero; None where it is unclear."""
    paradigm = next((p for p, words in _OPPONENTS if words.search(row.baseline_note)), None)
    if paradigm is None:
        return None
    changes = {"paradigm": paradigm, "method": f"other_{paradigm}", "ssl": row.baseline}
    changes["origin"] = "other"
    return row.model_copy(update=changes)


def contrast_points(
    cells: dict[str, list[Row]], *, silent: frozenset[str] = frozenset()
) -> list[Point]:
    """Return what head-to-head comparisons say of paradigms and methods.

    Args:
        cells: From `head_to_head`.
        silent: Rules that may not speak, because they rest on what is to be predicted.
    """
    points = []
    for name, rows in cells.items():
        for row in rows:
            is_known = row.delta_se is not None
            points.append(
                Point(
                    groups={
                        "cell": name,
                        **contrast_groups(row.task[0], row.paradigm, row.method, row.study),
                    },
                    numbers={
                        "rules": float(balance(case_of(row), without=silent)),
                        "own": float(row.origin == "own"),
                    },
                    effect=_held(row),
                    noise=0.0 if is_known and is_own(row) else 1.0,
                    variance=(100 * row.delta_se) ** 2 if row.delta_se else 0.0,
                    row=row.row,
                )
            )
    return points


def contrast_groups(task: str, paradigm: str, method: str, study: str) -> dict[str, str]:
    """Return the groups that a method belongs to."""
    return {
        "paradigm": paradigm,
        "task_paradigm": f"{task} {paradigm}",
        "method": method,
        "study_method": f"{study} {method}",
    }


def case_of(row: Row) -> Case:
    """Return what rules see of a result; studies rarely say whether a signal is local."""
    return Case(
        modality=row.modality[0],
        task=row.task[0],
        dims=row.dims[0],
        paradigm=row.paradigm,
        method=row.method,
        is_local=False if row.task[0] == "classification" else None,
    )


def _cell(row: Row) -> str:
    """Return what two results must share to be compared directly."""
    data = (row.study, row.dataset, *row.task, row.labels, row.metric)
    network = "transformer" if is_transformer(row) else "cnn"
    return "/".join((*data, row.baseline_type, row.protocol, row.pretrained_on, network))


def _has_points(row: Row) -> bool:
    return row.is_verified and row.has_pair and row.measure.scale == "points"


def _held(row: Row) -> float:
    return min(max(row.effect or 0.0, -MOST), MOST)
