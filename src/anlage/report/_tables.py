"""What was compared and what it cost, as rows of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from anlage.report._lookup import Lookup
from anlage.report._read import Study
from anlage.report._schema import Cell, Failure, Measure
from anlage.report.words import (
    NONE,
    MetricWords,
    arm_name,
    count,
    duration,
    metric_words,
    rung_name,
    several,
)

__all__ = [
    "CellText",
    "CostRow",
    "Group",
    "ResultTable",
    "Row",
    "costs",
    "failures",
    "metric_tables",
    "result_table",
    "total_hours",
]


@dataclass(frozen=True, kw_only=True)
class CellText:
    """One number with its interval; ``judged`` is "helps", "harms" or empty."""

    value: str
    interval: str
    remark: str = ""
    judged: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One arm; a cell is None where nothing was run."""

    name: str
    cells: tuple[CellText | None, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The arms of one rung."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """One metric of one task; columns are budgets with their labelled patients."""

    task: str
    metric: str
    columns: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """What one arm cost."""

    name: str
    pretraining: str
    seen: str
    adaptation: str
    parameters: str
    device: str


def result_table(lookup: Lookup, task: str, metric: str) -> ResultTable:
    """Return all arms and budgets of one task for one metric; claims rest on the headline."""
    budgets, words = lookup.budgets(task), metric_words(metric)
    is_headline = metric == lookup.headline(task)
    groups = []
    for rung in lookup.rungs(task):
        rows = []
        for arm in lookup.arms(task, rung):
            cells = (lookup.cell(task, rung, budget, arm) for budget in budgets)
            judged = (lookup.judgement(task, rung, budget, arm) for budget in budgets)
            texts = tuple(
                _text(cell, metric, words, str(verdict) if is_headline else "")
                for cell, verdict in zip(cells, judged, strict=True)
            )
            rows.append(Row(name=arm_name(arm), cells=texts))
        groups.append(Group(name=rung_name(rung), rows=tuple(rows)))
    return ResultTable(
        task=task,
        metric=words.title,
        columns=tuple((budget, _patients(lookup.patients(task, budget))) for budget in budgets),
        groups=tuple(groups),
    )


def metric_tables(lookup: Lookup, task: str) -> tuple[ResultTable, ...]:
    """Return one table per metric of a task."""
    own = [cell for cell in lookup.results.cells if cell.task == task]
    names = dict.fromkeys(name for cell in own for name in cell.metrics)
    return tuple(result_table(lookup, task, name) for name in names)


def failures(study: Study) -> tuple[tuple[str, str], ...]:
    """Return why jobs failed, equal reasons once, with which jobs they were."""
    found: dict[str, list[Failure]] = {}
    for failure in study.results.failures:
        found.setdefault(failure.reason, []).append(failure)
    return tuple(
        (reason, f"{several(len(jobs), 'job')}: " + ", ".join(job.job for job in jobs))
        for reason, jobs in found.items()
    )


def costs(study: Study, lookup: Lookup) -> tuple[CostRow, ...]:
    """Return what every arm cost, strategies first."""
    arms = dict.fromkeys(cell.arm for cell in lookup.results.cells)
    others = [arm for arm in arms if arm not in lookup.strategies]
    return tuple(_cost(study, arm) for arm in (*lookup.strategies, *others))


def total_hours(study: Study) -> float:
    """Return the wall time of all pretrainings and adaptations, in hours."""
    seconds = sum(run.seconds for run in study.pretrainings)
    return (seconds + sum(_seconds(cell) for cell in study.results.cells)) / 3600


def _cost(study: Study, arm: str) -> CostRow:
    runs = [run for run in study.pretrainings if run.strategy == arm and run.steps]
    cells = [cell for cell in study.results.cells if cell.arm == arm]
    done = sum(cell.runs - cell.failed for cell in cells)
    sizes = [job.parameters for job in study.jobs if job.arm == arm and job.parameters]
    steps = "/".join(f"{number:,}" for number in dict.fromkeys(run.steps for run in runs))
    seen = [run.steps * run.images_per_step for run in runs]
    devices = Counter(run.device for run in runs if run.device)
    return CostRow(
        name=arm_name(arm),
        pretraining=f"{duration(sum(run.seconds for run in runs))} in {several(len(runs), 'run')}"
        if runs
        else NONE,
        seen=f"{steps} steps, {count(max(seen))} images" if runs else NONE,
        adaptation=f"{duration(sum(_seconds(cell) for cell in cells))} in {several(done, 'run')}"
        if done
        else NONE,
        parameters=f"{max(sizes) / 1e6:.2f} M" if sizes else NONE,
        device=", ".join(devices) or study.results.run.device or NONE,
    )


def _seconds(cell: Cell) -> float:
    return cell.seconds * (cell.runs - cell.failed)


def _patients(number: float) -> str:
    return several(round(number), "patient") if number == round(number) else _mean(number)


def _mean(number: float) -> str:
    return f"{count(number)} patients"


def _text(cell: Cell | None, metric: str, words: MetricWords, judged: str) -> CellText | None:
    measure: Measure | None = cell.metrics.get(metric) if cell else None
    if cell is None or measure is None:
        return None
    return CellText(
        value=words.value(measure.value),
        interval=words.interval(measure) if measure.value is not None else "",
        remark="; ".join(_remarks(cell, measure)),
        judged=judged if judged in {"helps", "harms"} else "",
    )


def _remarks(cell: Cell, measure: Measure) -> Iterator[str]:
    if cell.failed:
        yield f"{cell.failed} of {several(cell.runs, 'run')} failed"
    if measure.value is not None and cell.runs == 1:
        yield "1 run"
