"""What every metric says of itself, and the three kinds of metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, ParamSpec

from anlage.metrics._statistic import Direction, Statistic, Value

__all__ = [
    "CaseMetric",
    "Declaration",
    "Diagnostic",
    "Metric",
    "TaskKind",
    "case_metric",
    "diagnostic",
    "metric",
]

TaskKind = Literal[
    "binary", "multiclass", "ordinal", "multilabel", "segmentation", "regression", "representation"
]

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a metric says of itself.

    Attributes:
        label: Name in a table, such as ``AUROC``.
        tasks: Kinds of task it is meant for.
        direction: Whether a higher or a lower value is better.
        bounds: Least and greatest value it can take; infinite where there is no bound.
        failure: How a case without a usable output counts, in words.
        unit: Unit of the value; empty where it has none.
    """

    label: str
    tasks: tuple[TaskKind, ...]
    direction: Direction
    bounds: tuple[float, float]
    failure: str
    unit: str = ""

    @property
    def worst(self) -> float:
        """The bad end of ``bounds``."""
        return self.bounds[0] if self.direction == "higher" else self.bounds[1]


@dataclass(frozen=True, kw_only=True)
class Metric(Declaration, Generic[P]):
    """A metric of a set of cases: ``auroc_score(target, score)`` is a `Value`."""

    function: Callable[P, Statistic]

    def __post_init__(self) -> None:
        _document(self, self.function)

    def prepare(self, *args: P.args, **kwargs: P.kwargs) -> Statistic:
        """Check the cases, sort them once, and return a function of case weights."""
        statistic = self.function(*args, **kwargs)
        return replace(statistic, direction=self.direction, bounds=self.bounds)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Value:
        """Return the value on these cases, each with weight one."""
        return self.prepare(*args, **kwargs).value()


@dataclass(frozen=True, kw_only=True)
class CaseMetric(Declaration, Generic[P]):
    """A metric of one structure in one case: ``dice_score(target, prediction)`` is a number.

    A prediction of None is a failed case and gets the worst value.
    """

    function: Callable[P, float]

    def __post_init__(self) -> None:
        _document(self, self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float:
        """Return the value of this case; always a finite number."""
        return self.function(*args, **kwargs)


@dataclass(frozen=True, kw_only=True)
class Diagnostic(Declaration, Generic[P]):
    """A number about a set of embeddings, with their count; it judges, it does not compare."""

    function: Callable[P, Value]

    def __post_init__(self) -> None:
        _document(self, self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Value:
        """Return the value on these embeddings."""
        return self.function(*args, **kwargs)


def metric(
    *,
    label: str,
    tasks: tuple[TaskKind, ...],
    direction: Direction,
    bounds: tuple[float, float],
    failure: str,
    unit: str = "",
) -> Callable[[Callable[P, Statistic]], Metric[P]]:
    """Declare a function from targets and outputs to a `Statistic` as a `Metric`."""

    def declare(function: Callable[P, Statistic]) -> Metric[P]:
        return Metric(
            label=label,
            tasks=tasks,
            direction=direction,
            bounds=bounds,
            failure=failure,
            unit=unit,
            function=function,
        )

    return declare


def case_metric(
    *,
    label: str,
    direction: Direction,
    bounds: tuple[float, float],
    failure: str,
    unit: str = "",
) -> Callable[[Callable[P, float]], CaseMetric[P]]:
    """Declare a function from two masks to a number as a `CaseMetric` of segmentation."""

    def declare(function: Callable[P, float]) -> CaseMetric[P]:
        return CaseMetric(
            label=label,
            tasks=("segmentation",),
            direction=direction,
            bounds=bounds,
            failure=failure,
            unit=unit,
            function=function,
        )

    return declare


def diagnostic(
    *, label: str, direction: Direction, bounds: tuple[float, float]
) -> Callable[[Callable[P, Value]], Diagnostic[P]]:
    """Declare a function of embeddings as a `Diagnostic`."""

    def declare(function: Callable[P, Value]) -> Diagnostic[P]:
        return Diagnostic(
            label=label,
            tasks=("representation",),
            direction=direction,
            bounds=bounds,
            failure="embeddings must all be finite; one that is not is an error",
            function=function,
        )

    return declare


def _document(declared: Declaration, function: Callable[..., Any]) -> None:
    """Let help() and inspect.signature() show the function behind a metric."""
    names = ("__module__", "__name__", "__qualname__", "__doc__")
    declared.__dict__.update({name: getattr(function, name) for name in names})
    declared.__dict__["__wrapped__"] = function
