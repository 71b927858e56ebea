"""The rule by which anything is claimed."""

from dataclasses import dataclass

import pytest

from anlage.report.judgement import ALPHA, judge


@dataclass
class Found:
    delta: float | None = 0.05
    low: float | None = 0.01
    high: float | None = 0.09
    p_adjusted: float | None = 0.01
    is_claimable: bool = True
    failed: int = 0
    runs: int | None = 3
    missing: int = 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "helps"),
        ({"delta": -0.05, "low": -0.09, "high": -0.01}, "harms"),
        ({"low": 0.0}, "no evidence"),
        ({"high": 0.0, "low": -0.1}, "no evidence"),
        ({"p_adjusted": ALPHA}, "no evidence"),
        ({"p_adjusted": None}, "no evidence"),
        ({"is_claimable": False}, "too few patients"),
        ({"runs": 2}, "too few runs"),
        ({"runs": None}, "helps"),
        ({"runs": 2, "is_claimable": False}, "too few patients"),
        ({"missing": 1}, "unfinished"),
        ({"missing": 1, "p_adjusted": 0.5}, "unfinished"),
        ({"failed": 1}, "failed"),
        ({"failed": 1, "is_claimable": False}, "failed"),
        ({"delta": None}, "failed"),
        ({"low": float("nan")}, "failed"),
        ({"high": float("inf")}, "failed"),
    ],
)
def test_each_case_has_one_word(changes, word):
    assert judge(Found(**changes)) == word
