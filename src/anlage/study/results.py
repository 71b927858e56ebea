"""From kept predictions to numbers: every cell with its interval, every difference tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from anlage.data.store import Store
from anlage.metrics import Difference, Estimate, Statistic
from anlage.metrics.statistics.cluster_bootstrap import cluster_bootstrap
from anlage.metrics.statistics.holm import holm
from anlage.metrics.statistics.paired_difference import paired_difference
from anlage.study.config import StudyConfig
from anlage.study.ledger import Ledger
from anlage.study.plan import Adaptation, StudyPlan

__all__ = ["Cell", "Comparison", "Results", "collect"]

TWINS = {
    "finetune": "scratch",
    "frozen": "random_frozen",
    "linear": "random_frozen",
    "knn": "random_frozen",
}


Place = tuple[str, str, str, str]  # task, rung, budget, arm
Run = tuple[int, int]  # draw, seed


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One arm on one rung at one budget of one task.

    Attributes:
        metrics: By metric name: value, low, high, run_std and warnings.
        runs: Number of runs (draws x seeds).
        failed: Runs that failed; their cases count as the worst value.
        train_images: Labelled images, mean over runs.
        train_patients: Labelled patients, mean over runs.
        seconds: Wall time, mean over runs.
    """

    task: str
    arm: str
    rung: str
    budget: str
    metrics: dict[str, dict[str, Any]]
    runs: int
    failed: int
    train_images: float
    train_patients: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A strategy against its twin without pretraining, on identical cases, headline metric.

    Attributes:
        delta: Strategy minus twin, signed so that above zero is better.
        low: Lower end of the interval.
        high: Upper end.
        p_value: Two-sided.
        p_adjusted: By Holm over all comparisons that the study plans.
        probability_better: Share of resamples in which the strategy is better.
        is_claimable: Whether there are enough patients for a claim.
        failed: Runs of both that failed; they count as the worst value.
        runs: Runs of each arm that were compared: those that both have.
        missing: Planned runs of both that are not done yet.
    """

    task: str
    arm: str
    twin: str
    rung: str
    budget: str
    delta: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    probability_better: float | None
    is_claimable: bool
    failed: int
    runs: int
    missing: int


@dataclass(frozen=True, kw_only=True)
class Results:
    """All numbers of a study."""

    headlines: dict[str, str]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[dict[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "headlines": self.headlines,
            "cells": [asdict(cell) for cell in self.cells],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "failures": list(self.failures),
        }

    def as_frame(self) -> pl.DataFrame:
        """Return one row per cell and metric."""
        return pl.DataFrame(
            [
                {
                    "task": cell.task,
                    "rung": cell.rung,
                    "budget": cell.budget,
                    "arm": cell.arm,
                    "metric": name,
                    "value": found["value"],
                    "low": found["low"],
                    "high": found["high"],
                    "runs": cell.runs,
                    "failed": cell.failed,
                    "train_images": cell.train_images,
                    "train_patients": cell.train_patients,
                    "seconds": cell.seconds,
                }
                for cell in self.cells
                for name, found in cell.metrics.items()
            ],
            infer_schema_length=None,
        )


def collect(store: Store, plan: StudyPlan, ledger: Ledger, config: StudyConfig) -> Results:
    """Turn what the ledger holds into results; jobs that have not run yet are left out.

    Comparisons that are planned count in Holm's adjustment before they are there, so that the
    p-values of an unfinished study are no smaller than those of the whole.
    """
    planned: dict[Place, list[Adaptation]] = {}
    for job in plan.adaptations:
        planned.setdefault((job.task, job.rung, job.labels.budget, job.arm), []).append(job)
    arms: dict[Place, _Arm] = {}
    for place, jobs in planned.items():
        tried = [j for j in jobs if ledger.is_done(j.key) or ledger.error(j.key) is not None]
        if tried:
            arms[place] = _Arm(store, plan, ledger, tried, missing=len(jobs) - len(tried))
    all_pairs = [
        (place, (task, rung, budget, twin))
        for place in planned
        for task, rung, budget, name in [place]
        if (twin := TWINS.get(rung)) and name not in {twin, "pixels"}  # no claim is about pixels
        if (task, rung, budget, twin) in planned
    ]
    pairs = {
        (first, second): shared
        for first, second in all_pairs
        if first in arms and second in arms
        if (shared := arms[first].shared(arms[second]))
    }
    differences = [
        _difference(arms[first], arms[second], shared, config)
        for (first, second), shared in pairs.items()
    ]
    waiting = [None] * (len(all_pairs) - len(pairs))
    adjusted = holm([*(difference.p_value for difference in differences), *waiting])
    return Results(
        headlines={title: place.task.headline for title, place in plan.tasks.items()},
        cells=tuple(arm.cell(config) for arm in arms.values()),
        comparisons=tuple(
            _comparison((arms[first], arms[second]), len(shared), difference, p)
            for ((first, second), shared), difference, p in zip(
                pairs.items(), differences, adjusted[: len(pairs)], strict=True
            )
        ),
        failures=tuple(
            {"job": job.key, "reason": reason}
            for job in plan.adaptations
            if (reason := ledger.error(job.key)) is not None
        ),
    )


class _Arm:
    """The runs of one arm on one rung at one budget."""

    def __init__(
        self,
        store: Store,
        plan: StudyPlan,
        ledger: Ledger,
        jobs: Sequence[Adaptation],
        *,
        missing: int,
    ) -> None:
        self.jobs = sorted(jobs, key=lambda job: (job.labels.draw, job.seed))
        place = plan.tasks[jobs[0].task]
        self.task, self.test = place.task, place.test
        self.facts = [ledger.result(job.key) for job in self.jobs if ledger.is_done(job.key)]
        self.groups = store.patients[self.test]
        self.strata = self.task.strata[self.test]
        self.runs = [self._metrics(ledger, job) for job in self.jobs]
        self.missing = missing
        self.failed = sum(not ledger.is_done(job.key) for job in self.jobs)

    def _metrics(self, ledger: Ledger, job: Adaptation) -> dict[str, Statistic]:
        if ledger.is_done(job.key):
            return self.task.metrics(ledger.cases(job.key))
        worst = [dict(self.task.record(row, None)) for row in self.test.tolist()]
        return self.task.metrics(pl.DataFrame(worst, infer_schema_length=None))

    def shared(self, other: _Arm) -> list[Run]:
        """Return the runs that both arms have."""
        theirs = {_run(job) for job in other.jobs}
        return [run for job in self.jobs if (run := _run(job)) in theirs]

    def scores(self, runs: Sequence[Run]) -> list[Statistic]:
        """Return the headline metric of some runs."""
        by_run = {_run(job): run for job, run in zip(self.jobs, self.runs, strict=True)}
        return [by_run[run][self.task.headline] for run in runs]

    def groupings(self, runs: Sequence[Run]) -> list[list[int] | None]:
        """Return the ways in which runs hang together: by draw, by pretraining seed.

        Runs that share one are no independent repeats. A single one for all cannot be
        resampled: then the interval is about this one alone, which the report says.
        """
        factors = ([draw for draw, _ in runs], [seed for _, seed in runs])
        shared = [factor for factor in factors if 1 < len(set(factor)) < len(factor)]
        return [*shared] or [None]

    def cell(self, config: StudyConfig) -> Cell:
        first = self.jobs[0]
        metrics = {
            name: _numbers(
                _widest(
                    [
                        cluster_bootstrap(
                            [run[name] for run in self.runs],
                            seed=config.seed,
                            groups=self.groups,
                            strata=self.strata,
                            run_groups=grouping,
                            num_replicates=config.replicates,
                        )
                        for grouping in self.groupings([_run(job) for job in self.jobs])
                    ]
                )
            )
            for name in self.runs[0]
        }
        return Cell(
            task=first.task,
            arm=first.arm,
            rung=first.rung,
            budget=first.labels.budget,
            metrics=metrics,
            runs=len(self.jobs),
            failed=self.failed,
            train_images=_mean(self.facts, "train_images"),
            train_patients=_mean(self.facts, "train_patients"),
            seconds=_mean(self.facts, "seconds"),
        )


def _difference(
    first: _Arm, second: _Arm, shared: Sequence[Run], config: StudyConfig
) -> Difference:
    """Compare two arms on the runs, of the same draws and seeds, that both have."""
    found = [
        paired_difference(
            first.scores(shared),
            second.scores(shared),
            seed=config.seed,
            groups=first.groups,
            strata=first.strata,
            run_groups=grouping,
            num_replicates=config.replicates,
        )
        for grouping in first.groupings(shared)
    ]
    return max(found, key=lambda difference: _width(difference.delta))


def _run(job: Adaptation) -> Run:
    return job.labels.draw, job.seed


def _comparison(
    arms: tuple[_Arm, _Arm], runs: int, difference: Difference, p_adjusted: float | None
) -> Comparison:
    first, second = (arm.jobs[0] for arm in arms)
    delta = difference.delta
    low, high, value = delta.low, delta.high, delta.value
    if difference.direction == "lower" and value is not None:
        value, low, high = -value, -_number(high), -_number(low)
    return Comparison(
        task=first.task,
        arm=first.arm,
        twin=second.arm,
        rung=first.rung,
        budget=first.labels.budget,
        delta=value,
        low=low,
        high=high,
        p_value=difference.p_value,
        p_adjusted=p_adjusted,
        probability_better=difference.probability_better,
        is_claimable=delta.is_claimable,
        failed=sum(arm.failed for arm in arms),
        runs=runs,
        missing=sum(arm.missing for arm in arms),
    )


def _widest(estimates: Sequence[Estimate]) -> Estimate:
    return max(estimates, key=_width)


def _width(estimate: Estimate) -> float:
    if estimate.low is None or estimate.high is None:
        return float("inf")
    return estimate.high - estimate.low


def _numbers(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "run_std": estimate.run_std,
        "cases": estimate.num_cases,
        "patients": estimate.num_patients,
        "failed_cases": estimate.num_failed,
        "is_claimable": estimate.is_claimable,
        "warnings": list(estimate.warnings),
    }


def _mean(facts: Sequence[dict[str, Any]], name: str) -> float:
    return float(np.mean([fact[name] for fact in facts])) if facts else 0.0


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
