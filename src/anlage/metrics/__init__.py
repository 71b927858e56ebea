"""Metrics and the statistics that make a number from them: pure NumPy, no torch.

A plug-in in ``classification`` or ``regression`` is a `Metric`: called with targets and outputs
it gives a `Value`; its ``prepare`` gives a `Statistic`, which takes case weights, so that a
bootstrap costs matrix arithmetic and no second look at the data. ``segmentation`` holds
`CaseMetric` (one structure, one case, one number; `statistics.case_mean` joins them),
``representation`` holds `Diagnostic`, and ``statistics`` holds plain functions.

Naming law: ``*_score`` higher is better, ``*_error`` lower is better. A failed case counts as
the worst value; what cannot be defined is None with a reason, never 0 or 0.5.
Axis letters here: M cases, K classes or labels, R replicates, E embedding width.
"""

from __future__ import annotations

from anlage.metrics._declaration import (
    CaseMetric,
    Declaration,
    Diagnostic,
    Metric,
    TaskKind,
    case_metric,
    diagnostic,
    metric,
)
from anlage.metrics._estimate import CalibrationNull, Difference, Estimate, Rank, RankTable
from anlage.metrics._statistic import Direction, Statistic, Value

__all__ = [
    "CalibrationNull",
    "CaseMetric",
    "Declaration",
    "Diagnostic",
    "Difference",
    "Direction",
    "Estimate",
    "Metric",
    "Rank",
    "RankTable",
    "Statistic",
    "TaskKind",
    "Value",
    "case_metric",
    "diagnostic",
    "metric",
]
