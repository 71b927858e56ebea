"""Label budgets: nested, patient-grouped, stratified, and the same for everyone who asks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from anlage.data.budgets import Budget, budget_rows, parse_budget
from anlage.errors import ConfigError

CLASSES = np.repeat([0, 1, 2], [60, 30, 12])
PATIENTS = np.arange(102) // 2  # two images each, both of one class
ROWS = np.arange(102)


def chosen(text: str, *, draw: int = 0, seed: int = 0, rows=ROWS) -> np.ndarray:
    return budget_rows(rows, CLASSES, PATIENTS, parse_budget(text), draw=draw, seed=seed)


@pytest.mark.parametrize("shots", [1, 3, 6])
def test_a_shot_is_a_patient_of_each_class_with_all_images(shots: int) -> None:
    rows = chosen(f"{shots}-shot")
    assert np.unique(CLASSES[rows], return_counts=True)[1].tolist() == [2 * shots] * 3
    assert (np.unique(PATIENTS[rows], return_counts=True)[1] == 2).all()


def test_a_share_is_taken_of_every_class_and_at_least_one() -> None:
    rows = chosen("10%")
    patients = [len(set(PATIENTS[rows][CLASSES[rows] == c].tolist())) for c in range(3)]
    assert patients == [3, 2, 1]
    assert (chosen("100%") == ROWS).all()
    assert len(chosen("0.1%")) == 6


def test_a_share_is_not_rounded_up_by_floating_point() -> None:
    assert [Budget(name="", share=0.07).take(100), Budget(name="", share=0.29).take(100)] == [7, 29]


def test_more_shots_than_patients_take_all() -> None:
    assert len(chosen("50-shot")) == 102


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["1-shot", "2-shot", "5-shot", "10-shot"]), min_size=2, max_size=2),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_smaller_budgets_lie_inside_larger_ones(pair: list[str], draw: int, seed: int) -> None:
    small, large = sorted(pair, key=lambda text: int(text.split("-")[0]))
    inside = set(chosen(small, draw=draw, seed=seed).tolist())
    assert inside <= set(chosen(large, draw=draw, seed=seed).tolist())


def test_shares_are_nested_with_shots_too() -> None:
    assert set(chosen("1-shot").tolist()) <= set(chosen("10%").tolist())
    assert set(chosen("10%").tolist()) <= set(chosen("50%").tolist())


def test_draws_and_seeds_differ_and_repeat() -> None:
    first = chosen("5-shot").tolist()
    assert chosen("5-shot").tolist() == first
    assert chosen("5-shot", draw=1).tolist() != first
    assert chosen("5-shot", seed=1).tolist() != first
    drawn = {tuple(chosen("1-shot", draw=draw).tolist()) for draw in range(20)}
    assert len(drawn) > 10


def test_draws_overlap_as_independent_ones_do() -> None:
    """Of 20 patients, 5 are drawn: two draws share 5 * 5 / 20 = 1.25, hypergeometrically."""
    rows = np.arange(20)
    draws = np.zeros((300, 20))
    for draw in range(300):
        budget = Budget(name="", shots=5)
        members = budget_rows(rows, np.zeros(20, int), rows, budget, draw=draw, seed=0)
        draws[draw, members] = 1
    shared = (draws @ draws.T)[np.triu_indices(300, 1)]
    expected = hypergeom(20, 5, 5).pmf(range(6))
    found = np.bincount(shared.astype(int), minlength=6) / len(shared)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert len({tuple(members) for members in draws}) > 290
    together = (draws.T @ draws)[np.triu_indices(20, 1)] / 300
    assert together.max() < 0.15  # 5/20 * 4/19 = 0.053 for independent ones


def test_every_patient_can_be_drawn() -> None:
    drawn = np.concatenate([chosen("1-shot", draw=draw) for draw in range(400)])
    assert len(set(PATIENTS[drawn].tolist())) == 51


def test_the_order_of_rows_does_not_matter_and_the_answer_is_sorted() -> None:
    mixed = np.random.default_rng(0).permutation(ROWS)
    np.testing.assert_array_equal(np.sort(chosen("5-shot", rows=mixed)), chosen("5-shot"))
    assert (np.diff(chosen("5-shot")) > 0).all()


def test_only_given_rows_are_chosen() -> None:
    rows = ROWS[::3]
    assert set(chosen("5-shot", rows=rows).tolist()) <= set(rows.tolist())


def test_one_more_patient_does_not_reshuffle_the_others() -> None:
    fewer = chosen("5-shot", rows=ROWS[PATIENTS[0] != PATIENTS])
    more = chosen("5-shot")
    assert len(set(more.tolist()) - set(fewer.tolist())) <= 2


def test_a_patient_of_two_classes_counts_for_the_rarer() -> None:
    classes, patients = np.array([0, 1, 0, 0, 0]), np.array([0, 0, 1, 2, 3])
    for draw in range(10):
        rows = budget_rows(
            np.arange(5), classes, patients, parse_budget("1-shot"), draw=draw, seed=0
        )
        assert {0, 1} <= set(rows.tolist())
        assert len(rows) == 3


def test_one_class_only_is_fine() -> None:
    rows = budget_rows(
        np.arange(9), np.zeros(9, int), np.arange(9), parse_budget("4-shot"), draw=0, seed=0
    )
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-shot", Budget(name="5-shot", shots=5)),
        (" 05shot ", Budget(name="5-shot", shots=5)),
        ("10%", Budget(name="10%", share=0.1)),
        ("2.50 %", Budget(name="2.5%", share=0.025)),
        ("100%", Budget(name="100%", share=1.0)),
    ],
)
def test_budgets_are_read(text: str, expected: Budget) -> None:
    assert parse_budget(text) == expected


@pytest.mark.parametrize("text", ["0-shot", "0%", "101%", "five", "5", "-1-shot", "", "5-shots"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="like 5-shot"):
        parse_budget(text)
