"""The words of a verdict: only what the numbers allow."""

from dataclasses import replace

import pytest

from anlage.study.results import Cell, Comparison, Results
from anlage.study.verdict import verdict, verdict_of


def comparison(**changes):
    given = {
        "task": "cls",
        "arm": "simclr",
        "twin": "scratch",
        "rung": "finetune",
        "budget": "5-shot",
        "delta": 0.062,
        "low": 0.021,
        "high": 0.104,
        "p_value": 0.001,
        "p_adjusted": 0.01,
        "probability_better": 0.99,
        "is_claimable": True,
        "failed": 0,
        "runs": 3,
        "missing": 0,
    }
    return Comparison(**{**given, "twin_rung": changes.get("rung", "finetune"), **changes})


def results(*comparisons):
    return Results(
        headlines={"cls": "balanced_accuracy"}, cells=(), comparisons=comparisons, failures=()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "simclr helps at 5-shot (+6.2 points [2.1, 10.4])"),
        (
            {"delta": -0.05, "low": -0.09, "high": -0.01},
            "simclr shows NEGATIVE TRANSFER at 5-shot (-5.0 points [-9.0, -1.0])",
        ),
        ({"p_adjusted": 0.05}, "shows no evidence of help at 5-shot"),
        ({"p_adjusted": None}, "shows no evidence of help at 5-shot"),
        ({"low": -0.001}, "shows no evidence of help at 5-shot"),
        ({"low": 0.0}, "shows no evidence of help at 5-shot"),
        (
            {"delta": -0.05, "low": -0.09, "high": 0.0},
            "shows no evidence of help at 5-shot",
        ),
        (
            {"is_claimable": False},
            "with so few test patients no claim can be made about simclr at 5-shot",
        ),
        (
            {"runs": 2},
            "with 2 runs no claim can be made about simclr at 5-shot (+6.2 points [2.1, 10.4])",
        ),
        (
            {"runs": 1},
            "with 1 run no claim can be made about simclr at 5-shot "
            "(over patients alone: +6.2 points [2.1, 10.4])",
        ),
        ({"delta": -0.0003, "low": -0.0004}, "(+0.0 points [0.0, 10.4])"),
        ({"missing": 1}, "is not finished at 5-shot"),
        ({"delta": None}, "could not be compared at 5-shot (undefined)"),
        ({"low": float("nan")}, "could not be compared at 5-shot"),
        ({"failed": 2}, "could not be compared at 5-shot (2 failed runs)"),
    ],
)
def test_each_outcome_has_its_words(changes, words):
    assert words in verdict_of(results(comparison(**changes)), "cls", "simclr")


@pytest.mark.parametrize("failed", [1, 6])
def test_failed_runs_are_never_called_negative_transfer(failed):
    bad = comparison(delta=-0.5, low=-0.6, high=-0.4, p_adjusted=0.001, failed=failed)
    assert "NEGATIVE" not in verdict_of(results(bad), "cls", "simclr")


def test_claims_come_before_doubts_and_budgets_are_joined():
    text = verdict_of(
        results(
            comparison(budget="100%", p_adjusted=0.4),
            comparison(budget="5-shot"),
            comparison(budget="10-shot"),
        ),
        "cls",
        "simclr",
    )
    assert text.index("helps at 5-shot") < text.index("no evidence of help at 100%")
    assert " and 10-shot" in text


def test_the_dearest_rung_decides():
    text = verdict_of(
        results(
            comparison(rung="knn", twin="random_frozen"),
            comparison(rung="linear", twin="random_frozen", p_adjusted=0.9),
        ),
        "cls",
        "simclr",
    )
    assert "no evidence" in text
    assert "helps" not in text
    assert "after linear probe, against a random frozen encoder" in text


def test_the_twin_and_the_metric_are_named():
    text = verdict_of(results(comparison()), "cls", "simclr")
    assert text.endswith(
        "Points of balanced accuracy after fine-tuning, against the from-scratch twin."
    )


def test_a_strategy_without_comparisons_is_not_judged():
    text = verdict_of(results(comparison(arm="mae")), "cls", "simclr")
    assert text == ("cls: pretraining with simclr could not be judged: no comparison was finished.")


def test_there_is_one_statement_per_task_and_strategy():
    assert len(verdict(results(comparison()), ["simclr", "mae"])) == 2


def cell(patients, **counts):
    metrics = {"balanced_accuracy": {"value": 0.5, "patients": patients, **counts}}
    zeros = {"failed": 0, "train_images": 4.0, "train_patients": 4.0, "seconds": 1.0}
    place = {"task": "cls", "arm": "simclr", "rung": "finetune", "budget": "5-shot"}
    return Cell(**place, metrics=metrics, runs=3, **zeros)


def test_too_few_patients_are_counted():
    found = replace(results(comparison(is_claimable=False)), cells=(cell(16),))
    assert verdict_of(found, "cls", "simclr").startswith(
        "cls: with 16 test patients no claim can be made about simclr at 5-shot"
    )


@pytest.mark.parametrize(
    ("patients", "rarest", "words"),
    [
        (58, 11, "with 11 test patients of the rarest class no claim can be made about simclr"),
        (50, 19, "with 19 test patients of the rarest class no claim"),
        (50, 1, "with 1 test patient of the rarest class no claim"),
        (49, 11, "with 49 test patients no claim"),
        (58, 20, "with the same difference in every resample of patients no claim"),
        (58, None, "with the same difference in every resample of patients no claim"),
    ],
)
def test_the_reason_for_no_claim_is_the_true_one(patients, rarest, words):
    counted = cell(patients, rarest_patients=rarest)
    found = replace(results(comparison(is_claimable=False)), cells=(counted,))
    assert words in verdict_of(found, "cls", "simclr")


def test_what_can_be_claimed_comes_before_what_cannot():
    text = verdict_of(
        results(comparison(budget="100%", runs=1), comparison(budget="5-shot")), "cls", "simclr"
    )
    assert text.startswith("cls: pretraining with simclr helps at 5-shot")
    assert "]); with 1 run no claim can be made about simclr at 100%" in text


def test_an_unfinished_study_is_measured_by_the_rung_that_is_planned():
    planned = {"cls": ("linear", "finetune")}
    found = replace(results(comparison(rung="linear", twin="random_frozen")), planned_rungs=planned)
    assert verdict_of(found, "cls", "simclr") == (
        "cls: the comparison of simclr after fine-tuning is not finished."
    )
    whole = replace(
        results(comparison(rung="linear", twin="random_frozen"), comparison()),
        planned_rungs=planned,
    )
    assert "helps" in verdict_of(whole, "cls", "simclr")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3, " At 5-shot the from-scratch twin gave one answer to every case: this is a difference"),
        (1, " At 5-shot (in 1 of 3 runs) the from-scratch twin gave one answer"),
    ],
)
def test_a_twin_that_guesses_is_told_and_what_to_do(number, words):
    text = verdict_of(results(comparison(twin_one_answer=number)), "cls", "simclr")
    assert words in text
    assert text.endswith("to guessing. Raise adapt.max_steps.")


def test_a_strategy_that_guesses_is_no_excuse_for_its_twin():
    assert "guessing" not in verdict_of(results(comparison(one_answer=3)), "cls", "simclr")


def kept(**changes):
    return comparison(rung="linear", **{"twin_rung": "finetune", **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "BETTER at 5-shot (+6.2 points [2.1, 10.4])."),
        ({"delta": -0.05, "low": -0.09, "high": -0.01}, "WORSE at 5-shot (-5.0 points"),
        ({"p_adjusted": 0.05}, "no evidence of a difference at 5-shot"),
        ({"missing": 1}, "not finished at 5-shot"),
        ({"failed": 1}, "could not be compared at 5-shot (1 failed runs)."),
    ],
)
def test_an_encoder_kept_as_it_is_gets_a_sentence_of_its_own(changes, words):
    sentence = verdict_of(results(comparison(delta=0.01), kept(**changes)), "cls", "simclr")
    first, second = sentence.split(" Linear probe on its encoder, ")
    assert "helps at 5-shot (+1.0 points" in first
    assert second.startswith(f"against the whole network trained from scratch: {words}")


def test_a_kept_encoder_does_not_make_pretraining_help():
    found = results(comparison(low=-0.1), kept())
    assert "simclr shows no evidence of help" in verdict_of(found, "cls", "simclr")
    assert "Linear probe" not in verdict_of(results(comparison()), "cls", "simclr")
