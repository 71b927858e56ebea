"""From kept predictions to numbers, recomputed here from the files alone."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.multitest import multipletests

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.study.collect import collect
from anlage.study.config import StudyConfig
from anlage.study.ledger import Ledger
from anlage.study.plan import make_plan


@pytest.fixture
def study_of(slices_store, quick):
    """Fill a ledger with made-up answers; collect what they are worth."""

    def make(root, answer, failing=lambda _job: False, waiting=lambda _job: False, **changes):
        store = Store.open(slices_store)
        config = StudyConfig.parse(quick(rungs=["finetune", "linear"], **changes), where="test")
        plan = make_plan(store, config)
        ledger = Ledger(root)
        for job in plan.adaptations:
            place = plan.tasks[job.task]
            if waiting(job):
                continue
            if failing(job):
                ledger.fail(job.key, "it broke")
                continue
            rows = place.test.tolist()
            given = [{"row": r, **place.task.record(r, answer(job, place, r))} for r in rows]
            facts = {"train_images": 4, "train_patients": 4, "seconds": 1.5}
            if job.rung == "finetune":
                facts["training"] = 0.25 * job.labels.draw
            ledger.keep(job.key, facts, polars_frame(given))
        return collect(store, plan, ledger, config), plan, ledger

    return make


def polars_frame(rows):
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None)


def noisy(job, place, row):
    """Right in about two of three cases; simclr more often."""
    seed = [job.labels.draw, job.seed, row, len(job.arm)]
    p = np.random.default_rng(seed).random() * 0.7
    p += 0.3 * (job.arm == "simclr")
    right = place.task.strata[row]
    return np.array([p, 1 - p] if right == 0 else [1 - p, p], np.float32)


def cell(results, arm, rung="finetune"):
    (found,) = [c for c in results.cells if (c.arm, c.rung) == (arm, rung)]
    return found


def test_a_cell_is_the_mean_over_its_runs(study_of, tmp_path):
    results, plan, ledger = study_of(tmp_path, noisy, draws=3)
    values = []
    for job in plan.adaptations:
        if (job.arm, job.rung) != ("simclr", "finetune"):
            continue
        cases = ledger.cases(job.key)
        guess = cases.select("p0", "p1").to_numpy().argmax(axis=1)
        values.append(balanced_accuracy_score(cases["t0"], guess))
    found = cell(results, "simclr")
    assert len(values) == found.runs == 3
    assert found.metrics["balanced_accuracy"]["value"] == pytest.approx(np.mean(values))


def test_a_difference_is_that_of_the_cells_on_the_headline(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, draws=3)
    for found in results.comparisons:
        ours, theirs = (
            cell(results, arm, rung).metrics["balanced_accuracy"]["value"]
            for arm, rung in ((found.arm, found.rung), (found.twin, found.twin_rung))
        )
        assert found.delta == pytest.approx(ours - theirs)
        assert found.low <= found.delta <= found.high


def test_each_rung_has_its_own_twin(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy)
    twins = {(c.rung, c.arm, c.twin) for c in results.comparisons if c.is_like_for_like}
    assert twins == {
        ("finetune", "simclr", "scratch"),
        ("linear", "simclr", "random_frozen"),
    }


def test_an_encoder_kept_as_it_is_also_meets_the_network_from_scratch(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, draws=3)
    (found,) = [c for c in results.comparisons if not c.is_like_for_like]
    assert (found.arm, found.rung) == ("simclr", "linear")
    assert (found.twin, found.twin_rung) == ("scratch", "finetune")
    assert results.planned_rungs == {found.task: ("finetune", "linear")}


def test_without_the_network_from_scratch_there_is_nothing_else_to_meet(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, controls=["random_frozen"])
    assert {(c.rung, c.twin_rung) for c in results.comparisons} == {("linear", "linear")}


def test_p_values_are_adjusted_over_all_comparisons_of_the_study(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, draws=3, budgets=["1-shot", "2-shot", "100%"])
    raw = [c.p_value for c in results.comparisons]
    assert len(raw) == 9
    expected = multipletests(raw, method="holm")[1]
    np.testing.assert_allclose([c.p_adjusted for c in results.comparisons], expected)


def test_planned_comparisons_count_before_they_are_there(study_of, tmp_path):
    results, _, _ = study_of(
        tmp_path,
        noisy,
        waiting=lambda job: job.labels.budget == "100%",
        draws=3,
        budgets=["2-shot", "100%"],
    )
    raw = [c.p_value for c in results.comparisons]
    assert len(raw) == 3
    expected = multipletests([*raw, 1, 1, 1], method="holm")[1][:3]
    np.testing.assert_allclose([c.p_adjusted for c in results.comparisons], expected)


def test_only_runs_that_both_arms_have_are_compared(study_of, tmp_path):
    def waiting(job):
        return (job.arm, job.labels.draw) in {("simclr", 0), ("scratch", 2)}

    results, _, _ = study_of(tmp_path / "a", noisy, waiting=waiting, draws=3)
    both, _, _ = study_of(tmp_path / "b", noisy, waiting=lambda j: j.labels.draw != 1, draws=3)
    found, expected = (
        next(c for c in made.comparisons if c.rung == "finetune") for made in (results, both)
    )
    assert found.runs == expected.runs == 1
    assert (found.delta, found.low, found.high) == (expected.delta, expected.low, expected.high)
    assert (found.missing, expected.missing) == (2, 4)


def test_arms_without_a_common_run_are_not_compared(study_of, tmp_path):
    results, _, _ = study_of(
        tmp_path, noisy, waiting=lambda job: (job.arm == "simclr") == (job.labels.draw == 0)
    )
    assert results.cells
    assert results.comparisons == ()


def test_a_finished_comparison_counts_its_runs_and_misses_none(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, draws=3)
    assert {(c.runs, c.missing) for c in results.comparisons} == {(3, 0)}


def test_a_failed_run_counts_as_the_worst_value(study_of, tmp_path):
    def fails(job):
        return (job.arm, job.labels.draw, job.rung) == ("simclr", 1, "finetune")

    whole, _, _ = study_of(tmp_path / "a", noisy)
    broken, _, _ = study_of(tmp_path / "b", noisy, fails)
    found = cell(broken, "simclr")
    assert (found.runs, found.failed) == (2, 1)
    assert found.metrics["balanced_accuracy"]["failed_cases"] > 0
    before = cell(whole, "simclr").metrics["balanced_accuracy"]["value"]
    assert found.metrics["balanced_accuracy"]["value"] < before
    (difference,) = [c for c in broken.comparisons if c.rung == "finetune"]
    assert difference.failed == 1
    assert broken.failures[0]["reason"] == "it broke"


def test_runs_that_all_failed_score_nothing_and_stay_in_the_table(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, lambda job: job.arm == "simclr")
    found = cell(results, "simclr")
    assert found.metrics["balanced_accuracy"]["value"] == 0.0
    assert found.failed == found.runs == 2
    assert found.seconds == 0.0


def test_a_failed_twin_does_not_make_a_strategy_look_good(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, lambda job: job.arm == "scratch")
    (difference,) = [c for c in results.comparisons if c.rung == "finetune"]
    assert difference.failed == 2


def test_jobs_that_have_not_run_are_left_out(slices_store, quick, tmp_path):
    store = Store.open(slices_store)
    config = StudyConfig.parse(quick(), where="test")
    results = collect(store, make_plan(store, config), Ledger(tmp_path), config)
    assert results.cells == results.comparisons == results.failures == ()


def test_the_table_has_one_row_per_cell_and_metric(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy)
    frame = results.as_frame()
    assert len(frame) == sum(len(c.metrics) for c in results.cells)
    row = frame.filter((frame["arm"] == "simclr") & (frame["metric"] == "auroc")).to_dicts()
    assert {r["rung"] for r in row} == {"finetune", "linear"}
    assert row[0]["value"] == cell(results, "simclr", row[0]["rung"]).metrics["auroc"]["value"]


def test_crossed_runs_take_the_wider_interval(study_of, tmp_path):
    both, _, _ = study_of(tmp_path, noisy, draws=3, pretrain_seeds=2)
    found = cell(both, "simclr")
    assert found.runs == 6
    assert found.metrics["balanced_accuracy"]["low"] < found.metrics["balanced_accuracy"]["value"]


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_damaged_result_is_named_and_says_what_to_do(study_of, tmp_path, slices_store, text):
    _, plan, ledger = study_of(tmp_path, noisy)
    key = plan.adaptations[0].key
    (tmp_path / "jobs" / key / "result.json").write_text(text)
    with pytest.raises(DataError, match=r"is damaged\. Remove that folder"):
        ledger.result(key)


def test_damaged_cases_are_named_and_say_what_to_do(study_of, tmp_path):
    _, plan, ledger = study_of(tmp_path, noisy)
    key = plan.adaptations[0].key
    (tmp_path / "jobs" / key / "cases.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"is damaged\. Remove that folder"):
        ledger.cases(key)


def test_runs_that_answer_every_case_alike_are_counted(study_of, tmp_path):
    def answer(job, place, row):
        if job.arm == "scratch" and job.labels.draw < 2:
            return np.array([0.2, 0.8], np.float32)
        return noisy(job, place, row)

    results, _, _ = study_of(tmp_path, answer, draws=3)
    found = next(c for c in results.comparisons if c.rung == "finetune")
    assert (found.one_answer, found.twin_one_answer) == (0, 2)


def test_perfect_answers_are_not_one_answer(study_of, tmp_path):
    def perfect(_job, place, row):
        return np.eye(2, dtype=np.float32)[place.task.strata[row]]

    results, _, _ = study_of(tmp_path, perfect)
    assert {(c.one_answer, c.twin_one_answer) for c in results.comparisons} == {(0, 0)}


def test_runs_that_failed_gave_no_answer(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, failing=lambda job: job.arm == "scratch")
    assert all(c.twin_one_answer == 0 for c in results.comparisons)


def test_rungs_that_are_planned_are_told_before_they_are_there(study_of, tmp_path):
    results, _, _ = study_of(tmp_path, noisy, waiting=lambda job: job.rung == "finetune")
    assert {c.rung for c in results.comparisons} == {"linear"}
    (planned,) = results.planned_rungs.values()
    assert set(planned) == {"linear", "finetune"}
    assert results.as_dict()["planned_rungs"] == {"classification-lesion": list(planned)}


def test_what_was_learnt_is_the_mean_over_runs_and_unknown_for_probes(study_of, tmp_path):
    found, plan, _ = study_of(tmp_path, noisy)
    draws = [j.labels.draw for j in plan.adaptations if (j.arm, j.rung) == ("scratch", "finetune")]
    assert cell(found, "scratch").training == pytest.approx(0.25 * np.mean(draws))
    assert cell(found, "simclr", "linear").training is None
