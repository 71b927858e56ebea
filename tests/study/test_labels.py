"""Which cases a study learns from and is judged on."""

import numpy as np
import pytest

from anlage.errors import DataError
from anlage.metrics import Estimate
from anlage.study.config import StudyConfig
from anlage.study.labels import (
    CLAIM_PATIENTS,
    CLAIM_RAREST,
    _evenly,
    _in_turn,
    draw_labels,
    shortage_notes,
)
from anlage.study.labels import test_cases as cases_of


class Task:
    """Strata of every row; -1 has no target."""

    def __init__(self, strata):
        self.strata = np.array(strata)
        self.is_labelled = self.strata >= 0


class Parts:
    """A store that has patients and one split."""

    def __init__(self, parts, patients):
        self._parts = {name: np.array(rows, dtype=np.int64) for name, rows in parts.items()}
        self.patients = np.array(patients)

    def split(self, name):
        assert name == "default"
        return self._parts


def config(**values):
    tasks = [{"task": "classification", "label": ["x"]}]
    return StudyConfig.parse({"tasks": tasks, **values}, where="test")


@pytest.fixture
def store():
    parts = {"train": range(12), "val": range(12, 20), "test": range(20, 30)}
    return Parts(parts, [row // 2 for row in range(30)])


def test_all_labelled_test_rows_are_used(store):
    task = Task([0, 1] * 10 + [0, -1] * 5)
    rows, notes = cases_of(store, config(), task, "t")
    assert rows.tolist() == [20, 22, 24, 26, 28]
    assert "the test set has 5 patients" in notes[0]


def test_no_note_where_there_are_enough_patients():
    store = Parts({"train": [], "val": [], "test": range(50)}, range(50))
    assert cases_of(store, config(), Task([0, 1] * 25), "t")[1] == []


def test_one_test_patient_is_too_few():
    store = Parts({"train": [0], "val": [], "test": [1, 2, 3]}, [0, 1, 1, 1])
    with pytest.raises(DataError, match="two patients or more, t has 1 in split 'default'"):
        cases_of(store, config(), Task([0, 1, 0, 1]), "t")


@pytest.mark.parametrize(
    ("patients", "rarest", "is_small"),
    [
        (CLAIM_PATIENTS, CLAIM_RAREST, False),
        (CLAIM_PATIENTS - 1, CLAIM_RAREST, True),
        (CLAIM_PATIENTS, CLAIM_RAREST - 1, True),
    ],
)
def test_the_plan_warns_where_metrics_refuse_a_claim(patients, rarest, is_small):
    nothing = {"value": 0.5, "low": 0.4, "high": 0.6, "level": 0.95, "run_std": None}
    counts = {"num_cases": 90, "num_runs": 3, "num_failed": 0}
    replicates = np.array([0.4, 0.6])
    found = Estimate(
        **nothing, **counts, replicates=replicates, num_patients=patients, num_rare=rarest
    )
    assert found.is_claimable == (not is_small)


@pytest.mark.parametrize(
    ("shots", "words"),
    [(1, None), (2, None), (3, "It uses 5 of 6 labelled"), (4, "It uses all 6 labelled")],
)
def test_a_budget_beyond_one_class_counts_what_is_left(shots, words):
    store = Parts({"train": range(6), "val": [], "test": [6]}, range(7))
    task = Task([0, 0, 0, 0, 1, 1, 1])
    settings = config(budgets=[f"{shots}-shot"], draws=2)
    notes = shortage_notes(store, settings, task, draw_labels(store, settings, task, "t"), "t")
    assert len(notes) == (words is not None)
    assert all(words in note for note in notes)


def test_training_without_labels_is_refused(store):
    task = Task([-1] * 12 + [0, 1] * 9)
    with pytest.raises(DataError, match="labelled images in train"):
        list(draw_labels(store, config(), task, "t"))


def test_the_full_budget_is_drawn_once_and_others_as_often_as_asked(store):
    found = list(
        draw_labels(store, config(budgets=["1-shot", "100%"], draws=4), Task([0, 1] * 15), "t")
    )
    assert [(labels.budget, labels.draw) for labels in found] == [
        *(("1-shot", draw) for draw in range(4)),
        ("100%", 0),
    ]


def test_patients_are_kept_whole_in_a_draw(store):
    for labels in draw_labels(store, config(budgets=["1-shot"]), Task([0, 1] * 15), "t"):
        taken = set(store.patients[labels.train])
        assert sum(patient in taken for patient in store.patients[:12]) == len(labels.train)


def test_without_validation_labels_there_are_none(store):
    task = Task([0, 1] * 6 + [-1] * 8 + [0, 1] * 5)
    for labels in draw_labels(store, config(), task, "t"):
        assert len(labels.validation) == 0


def test_an_even_sample_keeps_every_strata_share():
    strata = np.array([0] * 60 + [1] * 30 + [2] * 10)
    kept = _evenly(np.arange(100), strata, 20)
    assert np.bincount(strata[kept]).tolist() == [12, 6, 2]
    assert kept.tolist() == sorted(set(kept.tolist()))


def test_rows_taken_in_turn_crowd_no_stratum_out():
    strata = np.array([0] * 50 + [1] * 2)
    assert np.bincount(strata[_in_turn(np.arange(52), strata, 4)]).tolist() == [2, 2]
    assert _in_turn(np.arange(52), strata, 100).tolist() == list(range(52))
