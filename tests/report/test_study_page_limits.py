"""The page says what limits a study: failures, leaks, few patients or runs, and weak twins."""

import pytest


def test_failures_are_counted_and_explained(folder, page):
    def change(values):
        values["failures"] = [{"job": f"job-{n}", "reason": "it broke"} for n in range(3)]
        values["cells"][0]["failed"] = 3

    text = page(folder(change)).text
    assert "3 adaptations failed and count as the worst value" in text
    assert "3 of 3 runs failed" in text
    assert "it broke" in text


def test_leaks_and_few_patients_come_first(folder, page):
    def change(values):
        values["data"]["torn_groups"] = 4
        warning = "Only 11 patients, fewer than 50: no claim allowed."
        for cell in values["cells"]:
            cell["metrics"]["balanced_accuracy"]["warnings"] = [warning]

    text = page(folder(change)).text
    assert "LEAK: 4 groups" in text
    assert text.index("LEAK") < text.index("What was compared")
    assert text.index("Only 11 patients") < text.index("What was compared")


def test_runs_of_several_commits_are_a_limit(folder, page):
    def change(values):
        values["run"]["commits"] = ["0000aaaa", "1111bbbb"]

    words = "runs were done with 2 versions of the code (0000aaaa and 1111bbbb)"
    assert words in page(folder(change)).text
    assert "versions of the code" not in page(folder()).text


def test_the_rule_of_claims_names_all_its_conditions(folder, page):
    text = page(folder()).text
    assert "at least 50 test patients, 20 of the rarest class, and 3 runs" in text


def few(runs):
    def change(values):
        for cell in values["cells"]:
            cell["runs"] = runs
        for found in values["comparisons"]:
            found |= {"runs": runs, "missing": 0}

    return change


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (1, "Only 1 run: intervals are about patients alone"),
        (2, "Only 2 runs: intervals are wide because of that. No claim is made below 3 runs"),
    ],
)
def test_few_runs_limit_a_study(folder, runs, words, page):
    assert words in page(folder(few(runs))).text
    assert words not in page(folder(few(3))).text


def test_few_runs_in_some_cells_are_counted(folder, page):
    def change(values):
        values["cells"][0]["runs"] = 2

    assert "Only 2 runs in 1 of 8 cells:" in page(folder(change)).text


def test_one_limit_is_not_said_twice(folder, page):
    def change(values):
        few(2)(values)
        values["notes"] = ["cls: the test set has 16 patients. no claim is made below 50."]
        for cell in values["cells"]:
            for metric in cell["metrics"].values():
                metric["patients"] = 16
                metric["warnings"] = [
                    "Only 16 patients, fewer than 50: no claim allowed.",
                    "Only 2 run(s), fewer than 3: the spread between seeds is not known.",
                ]

    text = page(folder(change)).text
    assert "the test set has 16 patients" in text
    assert "Only 16 patients" not in text
    assert "run(s)" not in text


def test_few_patients_of_the_rarest_class_are_not_told_twice(folder, page):
    noted = "cls: the test set has 11 patients of the rarest class. no claim is made below 20."
    warning = "Only 11 patients of the rarest class, fewer than 20: no claim allowed."

    def change(values, notes=()):
        values["notes"] = [*notes]
        for cell in values["cells"]:
            for metric in cell["metrics"].values():
                metric["patients"] = 11
                metric["warnings"] = [warning, "Only 11 patients, fewer than 50: no claim."]

    text = page(folder(lambda values: change(values, [noted]))).text
    assert noted in text
    assert warning not in text
    assert "Only 11 patients, fewer than 50" in text
    assert warning in page(folder(change)).text


def test_a_planned_lack_of_runs_is_told_once_there_are_none_and_not_twice(folder, page):
    note = "2 runs of each arm at 5-shot (draws x seeds): no claim is made below 3 runs"

    def change(runs):
        def made(values):
            few(runs)(values)
            values["notes"] = [note]

        return made

    assert note not in page(folder(change(2))).text
    assert note in page(folder(change(0))).text


def test_an_arm_that_guesses_is_a_limit(folder, page):
    def change(values):
        values["comparisons"][0] |= {"runs": 3, "missing": 0, "twin_one_answer": 2}

    text = page(folder(change)).text
    assert (
        "From scratch gave one answer to every case at cls, fine-tuning, 5-shot (2 of 3 runs): a "
        "difference to it is a difference to guessing. Raise adapt.max_steps."
    ) in text
    assert "guessing" not in page(folder()).text


@pytest.mark.parametrize(
    ("arm", "training", "signal", "is_said"),
    [
        ("scratch", 0.62, "global", True),
        ("scratch", 0.95, "global", False),
        ("scratch", None, "global", False),
        ("simclr", 0.62, "global", False),
        ("scratch", 0.62, "dense", False),
    ],
)
def test_a_twin_that_had_not_learnt_its_own_labels_is_a_limit(
    folder, arm, training, signal, is_said, page
):
    def change(values):
        values["tasks"]["cls"]["signal"] = signal
        for cell in values["cells"]:
            if (cell["arm"], cell["budget"]) == (arm, "5-shot"):
                cell["training"] = training

    said = "cls, 5-shot: the twin from scratch reaches a balanced accuracy of 0.62 on the labelled"
    assert (said in page(folder(change)).text) == is_said
