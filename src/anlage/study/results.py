"""The numbers of a study as plain values: cells, comparisons, failures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

__all__ = ["Cell", "Comparison", "Results"]


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
        training: Headline metric on the labelled images that were trained on, mean over runs;
            None where nothing was trained or an earlier version did not measure it.
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
    training: float | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A strategy against an arm without pretraining, on identical cases, headline metric.

    Attributes:
        twin: The arm without pretraining.
        twin_rung: How that was adapted: like the strategy, or fine-tuned where the strategy's
            encoder was kept as it is.
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
        one_answer: Runs in which the strategy answered every case alike, as if it were guessing.
        twin_one_answer: The same of the twin.
    """

    task: str
    arm: str
    twin: str
    rung: str
    twin_rung: str
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
    one_answer: int = 0
    twin_one_answer: int = 0

    @property
    def is_like_for_like(self) -> bool:
        """Whether both were adapted in the same way, so that pretraining alone differs."""
        return self.rung == self.twin_rung

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Task, arm, rung and budget: what the strategy was tried on."""
        return self.task, self.arm, self.rung, self.budget


@dataclass(frozen=True, kw_only=True)
class Results:
    """All numbers of a study.

    Attributes:
        headlines: The metric that verdicts are made on, by task.
        cells: Every arm, rung and budget that was run.
        comparisons: Every arm that was run with its twin.
        failures: Jobs that failed, and why.
        planned_rungs: By task, the rungs on which the study plans to compare strategies with a
            twin, done or not.
    """

    headlines: dict[str, str]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[dict[str, str], ...]
    planned_rungs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "headlines": self.headlines,
            "cells": [asdict(cell) for cell in self.cells],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "failures": list(self.failures),
            "planned_rungs": {task: list(rungs) for task, rungs in self.planned_rungs.items()},
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
