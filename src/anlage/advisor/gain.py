"""How much a method gains in a case: the level of gains, and what sets a method apart.

What sets methods apart comes from design rules, the level from all published results less those
differences. Own results say both at once, in one hierarchical model (`mixed`).
See docs/concepts/how-the-advisor-decides.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from anlage.advisor.mixed import Design, Mixed, Point, fit
from anlage.advisor.preferences import balance
from anlage.advisor.results import (
    LAB,
    abundance,
    case_of,
    contrast_groups,
    contrast_points,
    head_to_head,
    is_own,
    level_points,
    own_share,
    usable,
)
from anlage.evidence import Base, Row

__all__ = ["GainModel", "Question", "gain_model"]

Array = npt.NDArray[np.float64]
Nodes = tuple[int, ...]

NEW = "new"
"""Word of a group member that no result has."""

_DECADES = 1.0
"""Distance between label budgets, in decimal logarithms, at which 1/e of the likeness is left."""

_LEVEL = Design(
    groups={"task": None, "modality": None, "study": None, "lab": None},
    slopes={
        "level": (0.0, 20.0),
        "labels": (0.0, 10.0),
        "imagenet": (0.0, 10.0),
        "supervised": (0.0, 10.0),
        "transformer": (0.0, 15.0),
        "own": (0.0, 10.0),
        "natural": (0.0, 10.0),
        "rules": (2.0, 2.0),
    },
    signs={"labels": -1},
    local="budget",
    reach=_DECADES,
)
_CELL = 50.0  # points: so wide that only differences within a cell count
_CONTRAST = Design(
    groups={"cell": _CELL, "paradigm": None, "task_paradigm": None, "method": None},
    slopes={"rules": (2.0, 2.0), "own": (0.0, 10.0)},
    signs={"rules": 1},
)
_APART = ("paradigm", "task_paradigm", "method")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is to be predicted; a word that the base does not have is a new one.

    Attributes:
        task: Downstream task.
        modality: Imaging modality.
        paradigm: Of the method.
        method: Its name.
        labels: How plenty labels are, see `results.abundance`.
        place: Place of the label budget, see `results.place_of`; None: far from every other.
        rules: Net number of rules for the method.
        baseline: ``scratch`` (a CNN), ``imagenet``, ``supervised``.
        study: Study that the question belongs to; ``new`` for one that is not there.
        is_natural: Whether it was pretrained on natural images.
    """

    task: str
    modality: str
    paradigm: str
    method: str
    labels: float
    rules: float
    place: float | None = None
    baseline: str = "scratch"
    study: str = NEW
    is_natural: bool = False


@dataclass(frozen=True, kw_only=True)
class GainModel:
    """The fitted model.

    Attributes:
        contrast: What sets methods apart in published results.
        level: What is left when that is taken off, and own results whole.
        studies: Number of studies behind the level.
        own_methods: Own studies with the methods they tried.
        own_shares: For own studies with their task, the share of the published gain that their
            images give, see `results.own_share`.
        own_counts: For own studies with their task, the labelled patients of their budgets.
        published: The model of published results alone; None if there are no own ones.
    """

    contrast: Mixed
    level: Mixed
    studies: int
    own_methods: frozenset[str]
    own_shares: Mapping[tuple[str, str], float]
    own_counts: Mapping[tuple[str, str], Nodes]
    published: GainModel | None = None

    @property
    def rule_worth(self) -> float:
        """Points that one net rule is worth."""
        return self.level.slopes["rules"][0]

    def predict(self, questions: Sequence[Question]) -> tuple[Array, Array]:
        """Return mean and variance of what would be measured with plenty of images, (q,) each."""
        return self.level.expect([_point(question) for question in questions])

    def expect(self, questions: Sequence[Question], share: float) -> Array:
        """Return the mean of what images would give that yield a share of the published gain.

        Only what the literature says is cut; own results were got from so few images already.
        """
        whole, _ = self.predict(questions)
        return whole - (1 - share) * self.literature(questions)

    def literature(self, questions: Sequence[Question]) -> Array:
        """Return the mean by published results alone, with plenty of images, (q,)."""
        model = self.published or self
        return model.predict([replace(question, study=NEW) for question in questions])[0]

    def compare(self, first: Question, second: Question) -> tuple[float, float]:
        """Return mean and variance of one method's gain less another's in the same case."""
        place = first.place or 0.0  # any: what both meet there falls out
        return self.level.compare(*(_point(replace(one, place=place)) for one in (first, second)))

    def has_tried(self, study: str, task: str, method: str) -> bool:
        """Whether an own study of these images, task and labels tried a method."""
        return (study, task) in self.own_shares and f"{study} {method}" in self.own_methods

    @property
    def noise(self) -> float:
        """Variance of one measurement on another data set about a study's gain."""
        return self.level.spreads["noise"] ** 2

    def foretell(self, row: Row, *, silent: frozenset[str] = frozenset()) -> tuple[float, float]:
        """Return mean and variance of a published result, from what its study set out to do."""
        (point,) = level_points([row], [0.0])
        apart = _apart(row, silent=silent)
        level, level_variance = self.level.expect([point])
        own, own_variance = self.contrast.expect([apart])
        noise = self.noise * point.noise + point.variance
        return float(level[0] + own[0]), float(level_variance[0] + own_variance[0] + noise)


@lru_cache(maxsize=64)
def gain_model(
    base: Base, *, silent: frozenset[str] = frozenset(), learns_order: bool = False
) -> GainModel:
    """Fit the model to a base.

    How far methods lie apart is learnt from published comparisons; which lies above which is not,
    unless asked for: a dozen comparisons, most of them by the authors of one side, are too few,
    see benchmarks/advisor.md. It comes from the design rules and from the user's own studies.

    Args:
        base: Results; only those of `results.usable` and `results.head_to_head` count.
        silent: Rules that may not speak.
        learns_order: Whether published comparisons also say which method lies above which, for
            `GainModel.foretell`.
    """
    rows = usable(base.rows)
    own_rows = [row for row in rows if is_own(row)]
    if own_rows:
        others = tuple(row for row in base.rows if not is_own(row))
        alone = Base(others, base.rules)
        return _with_own(gain_model(alone, silent=silent, learns_order=learns_order), rows, silent)
    learnt = fit(contrast_points(head_to_head(base.rows), silent=silent), _CONTRAST)
    spreads = {**learnt.spreads, "study_method": learnt.spreads["noise"]}
    contrast = learnt if learns_order else fit([], _ruled(spreads), spreads=spreads)
    offsets, _ = contrast.expect([_apart(row, silent=silent) for row in rows])
    groups = {**_LEVEL.groups, **{name: spreads[name] for name in (*_APART, "study_method")}}
    return GainModel(
        contrast=contrast,
        level=fit(level_points(rows, offsets.tolist()), replace(_LEVEL, groups=groups)),
        studies=len({row.study for row in rows}),
        own_methods=frozenset(),
        own_shares={},
        own_counts={},
    )


def _with_own(published: GainModel, rows: Sequence[Row], silent: frozenset[str]) -> GainModel:
    """Return the model with own results beside the published ones.

    The slope of labels is that of the published results, so that more labels never raise a gain.
    How far methods lie apart in an own study is found from own studies, but never below what
    published comparisons show: where own methods differ much, they are believed.
    """
    own_rows = [row for row in rows if is_own(row)]
    offsets, _ = published.contrast.expect([_apart(row, silent=silent) for row in rows])
    kept = np.array([0.0 if is_own(row) else 1.0 for row in rows])
    points = level_points(
        rows, (kept * offsets - _lost(published, rows, silent)).tolist(), silent=silent
    )
    known = published.level.design.groups["study_method"]
    groups = {**published.level.design.groups, "study_method": None}
    slopes = {**_LEVEL.slopes, "labels": (published.level.slopes["labels"][0], 0.0)}
    design = replace(_LEVEL, groups=groups, slopes=slopes, signs={})
    level = fit(points, design)
    if known is not None and level.spreads["study_method"] < known:
        level = fit(points, replace(design, groups={**groups, "study_method": known}))
    counts: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in own_rows:
        counts[row.study, row.task[0]] |= set() if row.label_count is None else {row.label_count}
    return GainModel(
        contrast=published.contrast,
        level=level,
        studies=len({row.study for row in rows}),
        own_methods=frozenset(f"{row.study} {row.method}" for row in own_rows),
        own_shares={(row.study, row.task[0]): own_share(row) for row in own_rows},
        own_counts={place: tuple(sorted(found)) for place, found in counts.items()},
        published=published,
    )


def _ruled(spreads: Mapping[str, float]) -> Design:
    """Return what sets methods apart where rules alone say which lies above which."""
    groups = {name: spreads[name] for name in (*_APART, "study_method")}
    return Design(groups=groups, slopes={"rules": _LEVEL.slopes["rules"]})


def _lost(model: GainModel, rows: Sequence[Row], silent: frozenset[str]) -> Array:
    """Return what too few images cost each own result, by the literature; 0 for the others."""
    questions = []
    for row in rows:
        plenty = abundance(row.label_fraction, row.label_count)
        questions.append(
            Question(
                task=row.task[0],
                modality=row.modality[0],
                paradigm=row.paradigm,
                method=row.method,
                labels=0.5 if plenty is None else plenty,
                rules=float(balance(case_of(row), without=silent)),
            )
        )
    shares = np.array([own_share(row) if is_own(row) else 1.0 for row in rows])
    return (1 - shares) * model.literature(questions)


def _point(question: Question) -> Point:
    return Point(
        groups={
            "task": question.task,
            "modality": question.modality,
            "study": question.study,
            "lab": LAB,
            "budget": question.study,
            **contrast_groups(question.task, question.paradigm, question.method, question.study),
        },
        numbers={
            "labels": question.labels,
            "imagenet": float(question.baseline == "imagenet"),
            "supervised": float(question.baseline == "supervised"),
            "natural": float(question.is_natural),
            "rules": question.rules,
        },
        place=question.place,
    )


def _apart(row: Row, *, silent: frozenset[str] = frozenset()) -> Point:
    """Return what sets a published result's method apart."""
    (point,) = contrast_points({"": [row]}, silent=silent)
    groups = {name: word for name, word in point.groups.items() if name != "cell"}
    return Point(groups={**groups, "study_method": NEW}, numbers=point.numbers)
