"""Find cells and comparisons by place, and put arms, rungs and budgets in reading order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from anlage.report._schema import Cell, Comparison, Measure, Results
from anlage.report.judgement import LADDER, Judgement, judge

__all__ = ["Lookup"]

_CONTROLS = ("imagenet", "scratch", "random_frozen", "pixels", "prior")


class Lookup:
    """The results of a study, by task, rung, budget and arm."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._cells = {(c.task, c.rung, c.budget, c.arm): c for c in results.cells}
        self._comparisons = {
            (c.task, c.rung, c.budget, c.arm, c.is_like_for_like): c for c in results.comparisons
        }

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Tasks, in the study's order."""
        return _unique([*self.results.tasks, *self.results.headlines])

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """Strategies, in the study's order."""
        named = (p.strategy for p in self.results.pretrainings)
        return _unique([*self.results.strategies, *named])

    def headline(self, task: str) -> str:
        """Name of the metric that verdicts on a task are made on."""
        return self.results.headlines.get(task, "")

    def cell(self, task: str, rung: str, budget: str, arm: str) -> Cell | None:
        """Return a cell, if it was run."""
        return self._cells.get((task, rung, budget, arm))

    def measure(self, task: str, rung: str, budget: str, arm: str) -> Measure | None:
        """Return the headline metric of a cell, if it was run."""
        cell = self.cell(task, rung, budget, arm)
        return cell.metrics.get(self.headline(task)) if cell else None

    def comparison(
        self, task: str, rung: str, budget: str, arm: str, *, is_like_for_like: bool = True
    ) -> Comparison | None:
        """Return an arm's comparison with its twin, or with the network trained from scratch."""
        return self._comparisons.get((task, rung, budget, arm, is_like_for_like))

    def judgement(self, task: str, rung: str, budget: str, arm: str) -> Judgement | None:
        """Return what may be said of an arm against its twin."""
        found = self.comparison(task, rung, budget, arm)
        return judge(found) if found else None

    def patients(self, task: str, budget: str) -> float:
        """Return the labelled patients of a budget, mean over draws; 0 if nothing was run."""
        own = (c for c in self.results.cells if (c.task, c.budget) == (task, budget))
        return max((cell.train_patients for cell in own), default=0.0)

    def budgets(self, task: str) -> tuple[str, ...]:
        """Budgets from few labels to many; those not run yet come last."""
        seen = (c.budget for c in self.results.cells if c.task == task)
        known = _unique([*self.results.budgets, *seen])
        return tuple(sorted(known, key=lambda b: self.patients(task, b) or float("inf")))

    def rungs(self, task: str) -> tuple[str, ...]:
        """Rungs that were run, dear before cheap, then what needs no encoder."""
        seen = _unique(c.rung for c in self.results.cells if c.task == task)
        return tuple(sorted(seen, key=lambda rung: _place(rung, LADDER)))

    def arms(self, task: str, rung: str) -> tuple[str, ...]:
        """Arms on a rung: strategies, then controls."""
        seen = _unique(c.arm for c in self.results.cells if (c.task, c.rung) == (task, rung))
        return tuple(sorted(seen, key=lambda arm: _place(arm, (*self.strategies, *_CONTROLS))))

    def deciding_rung(self, task: str, strategy: str) -> str | None:
        """Return the dearest rung on which a strategy is compared, done or not: the verdict's."""
        own = {
            c.rung
            for c in self.results.comparisons
            if (c.task, c.arm) == (task, strategy) and c.is_like_for_like
        }
        planned = self.results.planned_rungs.get(task) or own
        return next((rung for rung in LADDER if rung in planned), None)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)
