"""How much a method gains in a case: the level of gains, and what sets a method apart.

Two hierarchical models (`mixed`), fitted one after the other: what sets methods apart, from design
rules and head-to-head comparisons, then the level, from all results less those differences.
See docs/concepts/how-the-advisor-decides.md.
"""

from __future__ import annotations

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

NEW = "new"
"""Word of a group member that no result has."""

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
    },
    signs={"labels": -1},
)
_CELL = 50.0  # points: so wide that only differences within a cell count
_CONTRAST = Design(
    groups={"cell": _CELL, "paradigm": None, "task_paradigm": None, "method": None},
    slopes={"rules": (2.0, 2.0), "own": (0.0, 10.0)},
    signs={"rules": 1},
)
_OWN_CONTRAST = Design(
    groups={**_CONTRAST.groups, "study_method": None},
    slopes={"rules": (2.0, 2.0)},
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is to be predicted; a word that the base does not have is a new one.

    Attributes:
        task: Downstream task.
        modality: Imaging modality.
        paradigm: Of the method.
        method: Its name.
        labels: How plenty labels are, see `results.abundance`.
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
    baseline: str = "scratch"
    study: str = NEW
    is_natural: bool = False


@dataclass(frozen=True, kw_only=True)
class GainModel:
    """Both fitted models.

    Attributes:
        contrast: What sets methods apart.
        level: What is left when that is taken off.
        studies: Number of studies behind the level.
        own_methods: Own studies with the methods they tried: what sets these apart was taken off
            the very result that is added to it, so that it brings no doubt.
        own_shares: For own studies with their task, the share of the published gain that their
            images give, see `results.own_share`.
        published: The model of published results alone; None if there are no own ones.
    """

    contrast: Mixed
    level: Mixed
    studies: int
    own_methods: frozenset[str]
    own_shares: Mapping[tuple[str, str], float]
    published: GainModel | None = None

    @property
    def rule_worth(self) -> float:
        """Points that one net rule is worth."""
        return self.contrast.slopes["rules"][0]

    def predict(self, questions: Sequence[Question]) -> tuple[Array, Array]:
        """Return mean and variance of what would be measured with plenty of images, (q,) each."""
        level, level_variance = self.level.expect([_level_point(q) for q in questions])
        apart, apart_variance = self.contrast.expect([_contrast_point(q) for q in questions])
        noise = np.array([0.0 if self.knows(q) else self.noise for q in questions])
        tried = [self.has_tried(q.study, q.task, q.method) for q in questions]
        doubt = np.where(tried, 0.0, apart_variance)
        return level + apart, level_variance + doubt + noise

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

    def knows(self, question: Question) -> bool:
        """Whether an own study is about this very question: same store, task and labels."""
        return (question.study, question.task) in self.own_shares

    def has_tried(self, study: str, task: str, method: str) -> bool:
        """Whether an own study of this very question tried a method."""
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
        learns_order: Whether published comparisons also say which method lies above which.
    """
    cells = head_to_head(base.rows)
    published = {name: rows for name, rows in cells.items() if not is_own(rows[0])}
    learnt = fit(contrast_points(published, silent=silent), _CONTRAST)
    contrast = learnt
    if not learns_order:
        own = {name: rows for name, rows in cells.items() if is_own(rows[0])}
        spreads = {**learnt.spreads, "study_method": learnt.spreads["noise"]}
        contrast = fit(contrast_points(own, silent=silent), _OWN_CONTRAST, spreads=spreads)
    rows = usable(base.rows)
    offsets, _ = contrast.expect([_apart(row) for row in rows])
    own_rows = [row for row in rows if is_own(row)]
    published_only = None
    if own_rows:
        others = tuple(row for row in base.rows if not is_own(row))
        published_only = gain_model(
            Base(others, base.rules), silent=silent, learns_order=learns_order
        )
        offsets = offsets - _lost(published_only, rows, silent)
    level = fit(level_points(rows, offsets.tolist()), _LEVEL)
    return GainModel(
        contrast=contrast,
        level=level,
        studies=len({row.study for row in rows}),
        own_methods=frozenset(f"{row.study} {row.method}" for row in own_rows),
        own_shares={(row.study, row.task[0]): own_share(row) for row in own_rows},
        published=published_only,
    )


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


def _level_point(question: Question) -> Point:
    return Point(
        groups={
            "task": question.task,
            "modality": question.modality,
            "study": question.study,
            "lab": LAB,
        },
        numbers={
            "labels": question.labels,
            "imagenet": float(question.baseline == "imagenet"),
            "supervised": float(question.baseline == "supervised"),
            "natural": float(question.is_natural),
        },
    )


def _contrast_point(question: Question) -> Point:
    groups = contrast_groups(question.task, question.paradigm, question.method, question.study)
    return Point(groups=groups, numbers={"rules": question.rules})


def _apart(row: Row, *, silent: frozenset[str] = frozenset()) -> Point:
    """Return what sets a result's method apart; its own study counts if it is the user's."""
    (point,) = contrast_points({"": [row]}, silent=silent)
    groups = {name: word for name, word in point.groups.items() if name != "cell"}
    if not is_own(row):
        groups["study_method"] = NEW
    return Point(groups=groups, numbers=point.numbers)
