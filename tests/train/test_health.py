"""Health: collapse is noticed, a healthy run is not suspected, bad steps are counted."""

import numpy as np
import pytest
import torch

from anlage.train.health import Health


def _look(health: Health, rows: torch.Tensor) -> object:
    health.see(rows)
    return health.look()


def _healthy(count: int = 64, width: int = 16) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(0))


def test_rank_and_spread_are_those_of_numpy() -> None:
    rows = _healthy() + 2
    report = _look(Health(), rows)
    singular = np.linalg.svd(rows.double().numpy(), compute_uv=False)
    shares = singular / singular.sum()
    assert report.rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-4)
    unit = rows.double().numpy()
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert report.std == pytest.approx(unit.std(axis=0).mean() * 4, rel=0.05)  # 4: root of E
    assert (report.rows, report.width, report.is_constant) == (64, 16, False)


@pytest.mark.parametrize(
    "rows",
    [
        torch.ones(64, 16),
        torch.zeros(64, 16),
        torch.ones(64, 16) + 1e-4 * _healthy(),
        torch.rand(64, 1) * torch.ones(16),  # one direction, of any length
    ],
)
def test_constant_embeddings_are_collapse_after_three_looks(rows: torch.Tensor) -> None:
    health = Health()
    for look in range(1, 4):
        report = _look(health, rows)
        assert report.is_constant
        assert health.constant_looks == look
        assert health.is_collapsed == (look == 3)


def test_one_good_look_ends_the_suspicion() -> None:
    health = Health()
    for _ in range(2):
        _look(health, torch.ones(600, 16))
    _look(health, _healthy(600))
    assert health.constant_looks == 0
    _look(health, torch.ones(600, 16))
    assert not health.is_collapsed


def test_a_low_but_real_rank_is_no_collapse() -> None:
    rows = torch.zeros(64, 16)
    rows[:32, 0], rows[32:, 1] = 1, 1  # two classes, and nothing else
    report = _look(Health(), rows)
    assert report.rank == pytest.approx(2, rel=1e-5)
    assert not report.is_constant


def test_too_few_embeddings_tell_nothing() -> None:
    health = Health()
    assert _look(health, torch.ones(31, 16)) is None
    assert health.constant_looks == 0
    health.see(None)
    assert health.look() is None
    assert _look(health, torch.ones(1, 16)).rows == 32


def test_rows_that_are_no_numbers_are_left_out() -> None:
    rows = _healthy()
    rows[3, 2], rows[5, 0] = float("nan"), float("inf")
    assert _look(Health(), rows).rows == 62


def test_the_last_512_rows_are_looked_at() -> None:
    health = Health()
    for _ in range(20):
        health.see(torch.ones(100, 16))
    for _ in range(6):
        health.see(_healthy(100))
    report = health.look()
    assert report.rows == 512
    assert report.rank > 10  # nothing of the old ones is left
    assert sum(len(part) for part in health._recent) < 700


def test_bad_steps_are_counted_in_a_row_and_in_all() -> None:
    health = Health()
    for is_finite in (False, False, True, False):
        health.step(is_finite=is_finite)
    assert (health.bad_steps, health.skipped) == (1, 3)


def test_a_resumed_monitor_sees_what_the_old_one_would_have_seen() -> None:
    health, fresh = Health(), Health()
    for _ in range(8):
        health.see(_healthy(90))
    health.look()
    health.step(is_finite=False)
    fresh.load(health.tensors(), health.counts())
    for one in (health, fresh):
        one.see(torch.ones(90, 16))
    assert health.look() == fresh.look()
    assert health.counts() == fresh.counts()


def test_a_monitor_that_has_seen_nothing_can_be_saved_too() -> None:
    fresh = Health()
    fresh.load(Health().tensors(), Health().counts())
    assert fresh.look() is None
