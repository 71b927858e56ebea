"""What results.json holds, as typed values; fields that are missing have an empty default."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = [
    "Cell",
    "Comparison",
    "DataFacts",
    "Failure",
    "Measure",
    "PretrainingFacts",
    "Results",
    "RunCard",
    "TaskFacts",
]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Measure(_Part):
    """One metric of one cell."""

    value: Number = None
    low: Number = None
    high: Number = None
    run_std: Number = None
    cases: int = 0
    patients: int = 0
    failed_cases: int = 0
    is_claimable: bool = False
    warnings: tuple[str, ...] = ()


class Cell(_Part):
    """One arm on one rung at one budget of one task."""

    task: str
    arm: str
    rung: str
    budget: str
    metrics: dict[str, Measure] = {}
    runs: int = 0
    failed: int = 0
    train_images: float = 0.0
    train_patients: float = 0.0
    seconds: float = 0.0
    training: Number = None


class Comparison(_Part):
    """An arm against one without pretraining, signed so that above zero is better."""

    task: str
    arm: str
    twin: str
    rung: str
    twin_rung: str | None = None
    budget: str
    delta: Number = None
    low: Number = None
    high: Number = None
    p_value: Number = None
    p_adjusted: Number = None
    probability_better: Number = None
    is_claimable: bool = False
    failed: int = 0
    runs: int | None = None
    missing: int = 0
    one_answer: int = 0
    twin_one_answer: int = 0

    @property
    def is_like_for_like(self) -> bool:
        """Whether both were adapted in the same way, so that pretraining alone differs."""
        return self.twin_rung in {None, self.rung}


class TaskFacts(_Part):
    """One downstream task."""

    task: str = ""
    classes: tuple[str, ...] = ()
    signal: str = "global"
    rungs: tuple[str, ...] = ()
    test_images: int = 0
    test_patients: int = 0


class DataFacts(_Part):
    """The store."""

    modality: str = ""
    dims: int = 0
    images: int = 0
    fingerprint: str = ""
    parts: dict[str, int] = {}
    patients: dict[str, int] = {}
    torn_groups: int = 0


class PretrainingFacts(_Part):
    """One planned pretraining."""

    strategy: str
    seed: int
    key: str


class Failure(_Part):
    """One job that failed."""

    job: str
    reason: str


class RunCard(_Part):
    """What a number depends on besides settings."""

    anlage: str = ""
    commit: str | None = None
    commits: tuple[str, ...] = ()
    packages: dict[str, str] = {}
    python: str = ""
    machine: str = ""
    device: str = ""
    threads: int = 0
    written: str = ""


class Results(_Part):
    """results.json."""

    verdict: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tasks: dict[str, TaskFacts] = {}
    data: DataFacts = DataFacts()
    budgets: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    pretrainings: tuple[PretrainingFacts, ...] = ()
    jobs: tuple[str, ...] = ()
    headlines: dict[str, str] = {}
    cells: tuple[Cell, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    failures: tuple[Failure, ...] = ()
    planned_rungs: dict[str, tuple[str, ...]] = {}
    config: dict[str, Any] = {}
    run: RunCard = RunCard()
