"""The hierarchical model: equal to conditioning a joint normal by hand, and to closed forms."""

import numpy as np
import pytest
from scipy.stats import t as student

from anlage.advisor.mixed import Design, Point, fit, student_quantile

GROUPED = Design(groups={"task": None}, slopes={"level": (0.0, 20.0)})


def point(effect=0.0, task="a", **changed):
    return Point(
        groups={"task": task}, numbers=changed.pop("numbers", {}), effect=effect, **changed
    )


def test_a_slope_alone_is_ridge_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20)
    y = 3 + 2 * x + rng.normal(size=20)
    points = [
        Point(groups={}, numbers={"x": float(a)}, effect=float(b))
        for a, b in zip(x, y, strict=True)
    ]
    design = Design(groups={}, slopes={"level": (0.0, 5.0), "x": (1.0, 2.0)})
    model = fit(points, design, spreads={"noise": 1.5})
    matrix = np.column_stack([np.ones(20), x])
    precision = matrix.T @ matrix / 1.5**2 + np.diag([1 / 25, 1 / 4])
    mean = np.linalg.solve(precision, matrix.T @ y / 1.5**2 + np.array([0, 1 / 4]))
    errors = np.sqrt(np.diag(np.linalg.inv(precision)))
    assert [m for m, _ in model.slopes.values()] == pytest.approx(mean, rel=1e-5)
    assert [e for _, e in model.slopes.values()] == pytest.approx(errors, rel=1e-5)


def test_a_question_is_answered_as_a_joint_normal_conditioned_by_hand():
    points = [point(4.0, "a"), point(6.0, "a", variance=2.0, noise=0.5), point(-1.0, "b")]
    questions = [point(task="a"), point(task="c")]
    model = fit(points, GROUPED, spreads={"task": 3.0, "noise": 2.0})
    words = ["a", "a", "b", "a", "c"]
    joint = np.full((5, 5), 400.0) + 9.0 * np.equal.outer(words, words)
    measured = joint[:3, :3] + np.diag([4.0, 2.0 + 2.0, 4.0])
    gain = joint[3:, :3] @ np.linalg.inv(measured)
    mean, variance = model.expect(questions)
    assert mean == pytest.approx(gain @ [4.0, 6.0, -1.0], rel=1e-5)
    left = joint[3:, 3:] - gain @ joint[:3, 3:]
    assert variance == pytest.approx(np.diag(left), rel=1e-4)


NEAR = Design(groups={"task": None}, slopes={"level": (0.0, 20.0)}, local="at", reach=0.5)


def near(effect=0.0, at="x", place=None):
    groups = {"task": "a", "at": at}
    return Point(groups=groups, numbers={}, effect=effect, place=place, noise=0.0, variance=1.0)


def test_local_noise_is_shared_by_distance_as_in_a_joint_normal_conditioned_by_hand():
    points = [near(4.0, place=1.0), near(6.0, place=1.5), near(9.0, at="y", place=1.0), near(1.0)]
    questions = [near(place=1.2), near(place=None), near(at="y", place=3.0)]
    model = fit(points, NEAR, spreads={"task": 3.0, "noise": 2.0})
    words = ["x", "x", "y", "x", "x", "x", "y"]
    places = np.array([1.0, 1.5, 1.0, np.nan, 1.2, np.nan, 3.0])
    alike = np.nan_to_num(np.exp(-np.abs(places[:, None] - places[None, :]) / 0.5))
    np.fill_diagonal(alike, 1.0)
    joint = np.full((7, 7), 409.0) + 4.0 * alike * np.equal.outer(words, words)
    gain = joint[4:, :4] @ np.linalg.inv(joint[:4, :4] + np.eye(4))
    mean, variance = model.expect(questions)
    left = joint[4:, 4:] - gain @ joint[:4, 4:]
    assert mean == pytest.approx(gain @ [4.0, 6.0, 9.0, 1.0], rel=1e-5)
    assert variance == pytest.approx(np.diag(left), rel=1e-4)
    gap, doubt = model.compare(questions[0], questions[2])
    assert gap == pytest.approx(mean[0] - mean[2], rel=1e-6)
    assert doubt == pytest.approx(left[0, 0] + left[2, 2] - 2 * left[0, 2], rel=1e-4)


def test_own_results_pull_by_their_precision():
    prior, own = 400.0 + 9.0, 0.25
    model = fit([point(8.0, noise=0.0, variance=own)], GROUPED, spreads={"task": 3.0, "noise": 2.0})
    mean, variance = model.expect([point()])
    assert mean[0] == pytest.approx(8.0 * prior / (prior + own), rel=1e-5)
    assert variance[0] == pytest.approx(prior * own / (prior + own), rel=1e-3)


def test_without_results_the_prior_is_left():
    model = fit([], GROUPED, spreads={"task": 3.0, "noise": 2.0})
    mean, variance = model.expect([point()])
    assert (mean[0], variance[0]) == (0.0, pytest.approx(409.0))


def test_a_group_that_is_left_out_has_no_effect():
    model = fit([point(5.0)], GROUPED, spreads={"task": 3.0, "noise": 2.0})
    _, variance = model.expect([Point(groups={}, numbers={})])
    _, whole = model.expect([point(task="new")])
    assert whole[0] - variance[0] == pytest.approx(9.0)


def test_a_doubtful_sign_is_held():
    points = [
        Point(groups={}, numbers={"x": float(x)}, effect=0.1 * x + noise)
        for x, noise in enumerate((1.0, -1.0, 1.0, -1.0))
    ]
    design = Design(groups={}, slopes={"level": (0.0, 5.0), "x": (0.0, 5.0)}, signs={"x": -1})
    assert fit(points, design, spreads={"noise": 1.0}).slopes["x"][0] < 0


def test_a_sure_sign_is_left_alone():
    points = [Point(groups={}, numbers={"x": float(x)}, effect=-5.0 * x) for x in range(5)]
    free = Design(groups={}, slopes={"level": (0.0, 5.0), "x": (0.0, 5.0)})
    held = Design(groups={}, slopes=free.slopes, signs={"x": -1})
    noise = {"noise": 1.0}
    assert fit(points, held, spreads=noise).slopes == fit(points, free, spreads=noise).slopes


@pytest.mark.parametrize("level", [0.025, 0.3, 0.5, 0.9, 0.975])
@pytest.mark.parametrize("df", [5, 10, 31, 1000])
def test_students_quantiles(level, df):
    assert student_quantile(level, df) == pytest.approx(student.ppf(level, df), abs=0.01)
