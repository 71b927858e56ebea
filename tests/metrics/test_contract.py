"""What every metric in the folder must hold, found by its file name."""

import inspect
import re

import numpy as np
import pytest

from anlage.errors import AnlageError
from anlage.metrics import CaseMetric, Declaration, Diagnostic, Metric
from anlage.plugins import available, family, load

DECLARED = [name for name in available("metrics") if family("metrics", name) != "statistics"]
METRICS = [name for name in DECLARED if isinstance(load("metrics", name), Metric)]
CASE_METRICS = [name for name in DECLARED if isinstance(load("metrics", name), CaseMetric)]
DIAGNOSTICS = [name for name in DECLARED if isinstance(load("metrics", name), Diagnostic)]


def options(name, rng):
    if name in ("sensitivity", "specificity"):
        return {"threshold": 0.5}
    if name == "knn_accuracy":
        return {"reference_target": rng.integers(0, 4, 30), "reference": rng.random((30, 4))}
    return {}


@pytest.fixture
def cases(request, rng, binary, multiclass, numbers):
    """Targets and outputs for one metric, and options where it needs them."""
    tasks = load("metrics", request.param).tasks
    by_task = {
        "binary": binary,
        "multiclass": multiclass,
        "ordinal": multiclass,
        "regression": numbers,
        "representation": multiclass,
    }
    kind = "multiclass" if "multiclass" in tasks else tasks[0]
    return load("metrics", request.param), by_task[kind], options(request.param, rng)


each_metric = pytest.mark.parametrize("cases", METRICS, indirect=True)


def test_the_kinds_cover_the_folder():
    assert sorted(METRICS + CASE_METRICS + DIAGNOSTICS) == sorted(DECLARED)
    assert {"auroc", "dice", "r2", "effective_rank"} <= set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_declaration(name):
    declared = load("metrics", name)
    assert isinstance(declared, Declaration)
    suffix = {"higher": "_score", "lower": "_error"}[declared.direction]
    assert declared.__name__.endswith(suffix)
    assert declared.__name__.removesuffix(suffix) == name.removesuffix(suffix)
    assert declared.bounds[0] < declared.bounds[1]
    assert declared.worst == declared.bounds[0 if declared.direction == "higher" else 1]
    assert declared.label
    assert declared.failure
    assert declared.__doc__.splitlines()[0].endswith(".")
    assert "Args:" in declared.__doc__
    assert set(declared.tasks)
    assert next(iter(inspect.signature(declared).parameters)) in ("target", "values", "first")


@pytest.mark.parametrize("name", available("metrics"))
def test_plugin_exports_one_documented_name(name):
    exported = load("metrics", name)
    assert re.match(r"[A-Z].+\.$", exported.__doc__.splitlines()[0])


@each_metric
def test_value_lies_in_bounds_and_is_the_mean_of_its_parts(cases):
    metric, data, extra = cases
    found = metric(*data, **extra)
    assert metric.bounds[0] <= found.value <= metric.bounds[1]
    assert found.num_cases == len(data[0])
    assert found.num_failed == 0
    assert found.reason == ""
    assert np.isclose(np.mean(found.parts), found.value)


@each_metric
def test_order_of_cases_plays_no_part(cases, rng):
    metric, (target, output), extra = cases
    order = rng.permutation(len(target))
    shuffled = metric(target[order], output[order], **extra)
    assert shuffled.value == pytest.approx(metric(target, output, **extra).value, rel=1e-12)


@each_metric
def test_integer_weights_equal_repeated_cases(cases, rng):
    metric, (target, output), extra = cases
    weights = rng.integers(0, 4, (3, len(target)))
    found = metric.prepare(target, output, **extra).replicates(weights.astype(float))
    if metric.label == "ECE":  # bins are fixed on all cases, so a resample keeps them
        output = np.repeat(output[:6], 20, axis=0)  # a bin for each of six forecasts
        found = metric.prepare(target, output).replicates(weights.astype(float))
    for row, value in zip(weights, found, strict=True):
        again = metric(np.repeat(target, row, axis=0), np.repeat(output, row, axis=0), **extra)
        assert value == pytest.approx(again.value, rel=1e-10)


@each_metric
def test_scale_of_weights_plays_no_part_and_rows_are_independent(cases, rng):
    metric, (target, output), extra = cases
    statistic = metric.prepare(target, output, **extra)
    weights = rng.integers(1, 4, (700, len(target))).astype(float)
    found = statistic.replicates(weights)
    assert found.shape == (700,)
    assert found[600:] == pytest.approx(statistic.replicates(weights[600:]), rel=1e-12)
    if metric.label != "Spearman":  # ranks count cases
        assert found[:5] == pytest.approx(statistic.replicates(7 * weights[:5]), rel=1e-10)


@each_metric
def test_failed_case_is_counted_and_never_helps(cases):
    metric, (target, output), extra = cases
    sign = 1 if metric.direction == "higher" else -1
    damaged = np.array(output, dtype=float)
    damaged[:20] = np.nan
    before, after = metric(target, output, **extra), metric(target, damaged, **extra)
    assert after.num_failed == 20
    assert after.num_cases == before.num_cases
    assert sign * after.value < sign * before.value
    assert np.isfinite(after.value)


@each_metric
def test_all_failed_is_at_least_as_bad_as_any_output(cases):
    metric, (target, output), extra = cases
    sign = 1 if metric.direction == "higher" else -1
    found = metric(target, np.full(np.shape(output), np.nan), **extra)
    assert found.num_failed == len(target)
    assert sign * found.value < sign * metric(target, output, **extra).value
    if metric.label in (
        "AUROC",
        "accuracy",
        "balanced accuracy",
        "NLL",
        "Brier",
        "sensitivity",
        "ECE",
    ):
        assert found.value == pytest.approx(metric.worst)


@each_metric
def test_inputs_are_not_written_to(cases):
    metric, data, extra = cases
    damaged = np.array(data[1], dtype=float)
    damaged[0] = np.nan
    copies = data[0].copy(), damaged.copy()
    statistic = metric.prepare(data[0], damaged, **extra)
    statistic.replicates(np.ones((2, len(damaged))))
    assert np.array_equal(data[0], copies[0])
    assert np.array_equal(damaged, copies[1], equal_nan=True)


@each_metric
def test_mismatched_and_empty_inputs_are_refused(cases):
    metric, (target, output), extra = cases
    with pytest.raises(AnlageError):
        metric(target[:-1], output, **extra)
    with pytest.raises((AnlageError, ValueError)):
        metric(target[:0], output[:0], **extra)


@pytest.mark.parametrize("name", CASE_METRICS)
@pytest.mark.parametrize("shape", [(20, 24), (10, 12, 8)])
def test_case_metric_in_2d_and_3d(name, shape, rng):
    metric = load("metrics", name)
    known = inspect.signature(metric).parameters
    given = {"spacing_mm": (1.0, 2.0, 3.0)[: len(shape)], "tolerance_mm": 1.0}
    extra = {key: value for key, value in given.items() if key in known}
    target = np.zeros(shape, bool)
    target[2:8, 3:9] = True
    moved = np.roll(target, 1, axis=0)
    moved[0] = True
    empty = np.zeros(shape, bool)
    best = metric.bounds[1 if metric.direction == "higher" else 0]
    sign = 1 if metric.direction == "higher" else -1
    perfect, imperfect = metric(target, target, **extra), metric(target, moved, **extra)
    missed, failed = metric(target, empty, **extra), metric(target, None, **extra)
    assert perfect == best
    assert metric(empty, empty, **extra) == best
    assert sign * missed < sign * imperfect < sign * perfect
    assert missed == failed == metric(empty, target, **extra) == metric(empty, None, **extra)
    assert metric(target, np.full(shape, np.nan), **extra) == failed
    assert np.isinf(metric.worst) or failed == metric.worst
    assert metric(target.astype(int), moved.astype("uint8"), **extra) == imperfect
    with pytest.raises(AnlageError, match="one shape"):
        metric(target, target[1:], **extra)
    with pytest.raises(AnlageError, match="only 0 and 1"):
        metric(target, target * 2, **extra)
    with pytest.raises(AnlageError, match="2D or 3D"):
        metric(target.ravel(), target.ravel(), **extra)


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_diagnostic(name, rng):
    diagnostic = load("metrics", name)
    sets = (rng.normal(size=(40, 6)),) * (2 if name == "alignment" else 1)
    found = diagnostic(*sets)
    assert diagnostic.bounds[0] - 1e-9 <= found.value <= diagnostic.bounds[1]
    assert found.num_cases == 40
    broken = sets[0].copy()
    broken[1, 1] = np.inf
    with pytest.raises(AnlageError, match="1 rows that are not"):
        diagnostic(broken, *sets[1:])
    with pytest.raises(AnlageError, match="shape \\(N, E\\)"):
        diagnostic(sets[0][0], *sets[1:])
