"""From kept predictions to numbers: every cell with its interval, every difference tested."""

from __future__ import annotations

from collections.abc import Sequence
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
from anlage.study.plan import Adaptation, StudyPlan, rivals
from anlage.study.results import Cell, Comparison, Results

__all__ = ["collect"]

Place = tuple[str, str, str, str]  # task, rung, budget, arm
Run = tuple[int, int]  # draw, seed


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
        (place, other)
        for place in planned
        for task, rung, budget, name in [place]
        for twin, twin_rung in rivals(name, rung)
        if (other := (task, twin_rung, budget, twin)) in planned
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
            _comparison((arms[first], arms[second]), shared, difference, p)
            for ((first, second), shared), difference, p in zip(
                pairs.items(), differences, adjusted[: len(pairs)], strict=True
            )
        ),
        failures=tuple(
            {"job": job.key, "reason": reason}
            for job in plan.adaptations
            if (reason := ledger.error(job.key)) is not None
        ),
        planned_rungs={
            title: tuple(
                dict.fromkeys(
                    rung
                    for (task, rung, *_), (_, twin_rung, *_) in all_pairs
                    if task == title and rung == twin_rung
                )
            )
            for title in plan.tasks
        },
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
        self.is_done = [ledger.is_done(job.key) for job in self.jobs]
        self.facts = [
            ledger.result(job.key)
            for job, is_done in zip(self.jobs, self.is_done, strict=True)
            if is_done
        ]
        self.groups = store.patients[self.test]
        self.strata = self.task.strata[self.test]
        self.runs = [self._metrics(ledger, job) for job in self.jobs]
        self.missing = missing
        self.failed = self.is_done.count(False)

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

    def one_answer(self, runs: Sequence[Run]) -> int:
        """Count the finished runs that answered every case alike.

        Such a run scores the same whatever weight each case has, though it is not perfect.
        """
        done = {_run(job) for job, is_done in zip(self.jobs, self.is_done, strict=True) if is_done}
        finished = self.scores([run for run in runs if run in done])
        return sum(_is_one_answer(statistic) for statistic in finished)

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
            training=_mean_of_known(self.facts, "training"),
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
    arms: tuple[_Arm, _Arm], shared: Sequence[Run], difference: Difference, p_adjusted: float | None
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
        twin_rung=second.rung,
        budget=first.labels.budget,
        delta=value,
        low=low,
        high=high,
        p_value=difference.p_value,
        p_adjusted=p_adjusted,
        probability_better=difference.probability_better,
        is_claimable=delta.is_claimable,
        failed=sum(arm.failed for arm in arms),
        runs=len(shared),
        missing=sum(arm.missing for arm in arms),
        one_answer=arms[0].one_answer(shared),
        twin_one_answer=arms[1].one_answer(shared),
    )


def _is_one_answer(statistic: Statistic) -> bool:
    weights = np.random.default_rng(0).uniform(0.5, 1.5, (3, statistic.num_cases))
    scores = np.array([statistic.value(row).value for row in weights], dtype=np.float64)
    best = statistic.bounds[1 if statistic.direction == "higher" else 0]
    return bool(np.ptp(scores) < 1e-9 and abs(scores[0] - best) > 1e-9)


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
        "rarest_patients": estimate.num_rare,
        "failed_cases": estimate.num_failed,
        "is_claimable": estimate.is_claimable,
        "warnings": list(estimate.warnings),
    }


def _mean(facts: Sequence[dict[str, Any]], name: str) -> float:
    return float(np.mean([fact[name] for fact in facts])) if facts else 0.0


def _mean_of_known(facts: Sequence[dict[str, Any]], name: str) -> float | None:
    known = [value for fact in facts if (value := fact.get(name)) is not None]
    return float(np.mean(known)) if known else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
