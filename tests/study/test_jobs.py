"""One job: which rows it looks at, how it chooses a rate, and what it keeps."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.study import jobs
from anlage.study.config import StudyConfig
from anlage.study.jobs import Workshop
from anlage.study.labels import Labels
from anlage.study.ledger import Ledger
from anlage.study.plan import Adaptation, make_plan
from anlage.train.distributed import World
from anlage.train.runs import environment
from anlage.train.signals import Stop


@pytest.fixture
def shop(slices_store, quick, tmp_path):
    """Make a workshop for a quick study without pretraining."""

    def make(**changes):
        store = Store.open(slices_store)
        plan = make_plan(store, StudyConfig.parse(quick(**changes), where="test"))
        return Workshop(store=store, plan=plan, ledger=Ledger(tmp_path), world=World(), stop=Stop())

    return make


def job_of(shop, arm, rung, draw=0):
    (found,) = [
        job
        for job in shop.plan.adaptations
        if (job.arm, job.rung, job.labels.draw) == (arm, rung, draw)
    ]
    return found


def changed(job: Adaptation, **labels) -> Adaptation:
    given = {"train": job.labels.train, "validation": job.labels.validation, **labels}
    return replace(job, labels=Labels(budget=job.labels.budget, draw=job.labels.draw, **given))


@pytest.fixture
def spied(monkeypatch):
    """Record which rows are predicted and which rates are tried; make one rate the best."""
    seen = {"rows": [], "rates": []}
    predict, adapt = jobs.predict, jobs.adapt

    def spy_predict(fitted, task, store, rows, **options):
        seen["rows"].append(rows.tolist())
        return predict(fitted, task, store, rows, **options)

    def spy_adapt(store, task, start, rows, config, **options):
        seen["rates"].append(config.learning_rate)
        return adapt(store, task, start, rows, config, **options)

    monkeypatch.setattr(jobs, "predict", spy_predict)
    monkeypatch.setattr(jobs, "adapt", spy_adapt)
    return seen


@pytest.mark.parametrize(
    ("arm", "rung"),
    [
        ("prior", "prior"),
        ("pixels", "knn"),
        ("random_frozen", "knn"),
        ("random_frozen", "linear"),
        ("scratch", "finetune"),
    ],
)
def test_every_kind_of_job_keeps_every_test_case(shop, arm, rung):
    work = shop()
    job = job_of(work, arm, rung)
    assert work.do(job)
    cases, facts = work.ledger.cases(job.key), work.ledger.result(job.key)
    (place,) = work.plan.tasks.values()
    assert cases["row"].to_list() == place.test.tolist()
    assert (facts["arm"], facts["rung"], facts["train_images"]) == (arm, rung, 4)
    total = cases.select("p0", "p1").to_numpy().sum(axis=1)
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_the_rate_is_chosen_on_validation_rows_alone(shop, spied):
    work = shop(learning_rates=[1e-3, 1e-1])
    job = job_of(work, "scratch", "finetune")
    work.do(job)
    validation, test = job.labels.validation.tolist(), work.plan.tasks[job.task].test.tolist()
    assert spied["rates"] == [1e-3, 1e-1]
    assert spied["rows"] == [validation, validation, test, job.labels.train.tolist()]


def test_the_best_rate_on_validation_is_kept(shop, monkeypatch):
    work = shop(learning_rates=[1e-3, 1e-2, 1e-4])
    scores = iter([0.5, 0.8, 0.8])
    monkeypatch.setattr(Workshop, "_validate", lambda *_given: next(scores))
    job = job_of(work, "scratch", "finetune")
    work.do(job)
    facts = work.ledger.result(job.key)
    assert (facts["learning_rate"], facts["validation"]) == (1e-2, 0.8)


def end_badly(monkeypatch, bad):
    """Let training at some learning rates diverge, with the best validation score of all."""
    adapt, validate = jobs.adapt, Workshop._validate

    def made(store, task, start, rows, config, **options):
        fitted = adapt(store, task, start, rows, config, **options)
        if config.learning_rate in bad:
            outcome = replace(fitted.outcome, status="diverged", reason="not finite")
            return replace(fitted, outcome=outcome)
        return fitted

    def score(shop, fitted, job):
        return np.inf if fitted.outcome.status != "finished" else validate(shop, fitted, job)

    monkeypatch.setattr(jobs, "adapt", made)
    monkeypatch.setattr(Workshop, "_validate", score)


@pytest.mark.parametrize("bad", [1e-1, 1e-3])
def test_a_rate_that_diverges_is_passed_over(shop, monkeypatch, bad):
    end_badly(monkeypatch, {bad})
    work = shop(learning_rates=[1e-3, 1e-1])
    job = job_of(work, "scratch", "finetune")
    work.do(job)
    assert {work.ledger.result(job.key)["learning_rate"], bad} == {1e-3, 1e-1}


def test_a_job_fails_if_every_rate_diverges(shop, monkeypatch):
    end_badly(monkeypatch, {1e-3, 1e-1})
    work = shop(learning_rates=[1e-3, 1e-1])
    with pytest.raises(DataError, match=r"finite weights: learning rate 0\.001: not finite; "):
        work.do(job_of(work, "scratch", "finetune"))


def test_every_result_says_which_code_made_it(shop):
    work = shop()
    job = job_of(work, "prior", "prior")
    work.do(job)
    run, here = work.ledger.result(job.key)["run"], environment()
    assert run == {name: here[name] for name in ("anlage", "commit", "threads", "device")}


def test_random_encoders_are_calibrated_if_they_stay_frozen_and_only_then(shop):
    work = shop()
    changed = {}
    for arm, rung in (("scratch", "finetune"), ("random_frozen", "linear")):
        norms = [
            module
            for module in work._start(job_of(work, arm, rung)).encoder.modules()
            if isinstance(module, torch.nn.BatchNorm2d)
        ]
        changed[arm] = [
            norm.weight.any().item() and norm.running_mean.any().item() for norm in norms
        ]
    assert all(changed["random_frozen"])
    assert not any(changed["scratch"])


def test_without_validation_labels_the_first_rate_is_taken(shop, spied):
    work = shop(learning_rates=[1e-3, 1e-1])
    job = changed(job_of(work, "scratch", "finetune"), validation=np.empty(0, np.int64))
    work.do(job)
    assert spied["rates"] == [1e-3]
    assert spied["rows"] == [work.plan.tasks[job.task].test.tolist(), job.labels.train.tolist()]
    assert work.ledger.result(job.key)["learning_rate"] == 1e-3


def test_what_was_learnt_of_the_training_labels_is_kept(shop, monkeypatch):
    monkeypatch.setattr(jobs, "_MOST_LEARNT", 3)
    work = shop()
    job = job_of(work, "scratch", "finetune")
    asked = []

    def perfect(_fitted, task, _store, rows, **_options):
        asked.append(rows.tolist())
        right = {row: np.eye(2, dtype=np.float32)[task.strata[row]] for row in rows.tolist()}
        return pl.DataFrame([{"row": r, **task.record(r, answer)} for r, answer in right.items()])

    monkeypatch.setattr(jobs, "predict", perfect)
    monkeypatch.setattr(jobs, "draw_worst_cases", lambda *_given, **_options: None)
    work.do(job)
    train = job.labels.train.tolist()
    assert asked[-1] == [train[0], train[1], train[3]]
    assert work.ledger.result(job.key)["training"] == 1.0


def test_a_lower_is_better_headline_is_minimised(shop):
    work = shop()
    job = job_of(work, "scratch", "finetune")
    task = work.plan.tasks[job.task].task
    fitted = work._adapt(job, 1e-3)
    higher = work._validate(fitted, job)
    task.headline = "brier"
    assert higher >= 0
    assert work._validate(fitted, job) < 0


def test_seeds_have_encoders_of_their_own_and_draws_share_them(shop):
    work = shop(pretrain_seeds=2)
    found = {}
    for job in work.plan.adaptations:
        if (job.arm, job.rung) == ("scratch", "finetune"):
            weights = next(iter(work._start(job).encoder.parameters()))
            found.setdefault(job.seed, set()).add(weights.detach().numpy().tobytes())
    assert [len(encoders) for encoders in found.values()] == [1, 1]
    assert found[0] != found[1]


def test_features_are_computed_once_per_encoder(shop, monkeypatch):
    work, calls = shop(), []
    embed = jobs.embed
    monkeypatch.setattr(jobs, "embed", lambda *a, **k: calls.append(1) or embed(*a, **k))
    for draw in (0, 1):
        for rung in ("knn", "linear"):
            work.do(job_of(work, "random_frozen", rung, draw))
    assert len(calls) == 1


def test_a_linear_probe_is_scaled_by_all_training_images_and_no_other(shop, monkeypatch):
    work, given = shop(), []
    probe = jobs.linear_probabilities
    monkeypatch.setattr(
        jobs,
        "linear_probabilities",
        lambda *a, unlabelled, **k: (
            given.append(unlabelled) or probe(*a, unlabelled=unlabelled, **k)
        ),
    )
    job = job_of(work, "random_frozen", "linear")
    work.do(job)
    train = work.store.split("default")["train"]
    assert len(train) > len(job.labels.train)
    np.testing.assert_array_equal(given[0], work._embedded(job)[train])


def test_a_stopped_job_keeps_nothing_and_is_not_done(shop):
    work = shop()
    work.stop.exit_code = 130
    job = job_of(work, "scratch", "finetune")
    assert not work.do(job)
    assert not work.ledger.is_done(job.key)


def test_an_encoder_that_saw_test_images_is_refused(shop, monkeypatch):
    work = shop()
    monkeypatch.setattr(jobs, "seen_by", lambda _path, _store, rows: len(rows))
    job = job_of(work, "simclr", "linear")
    with pytest.raises(DataError, match="must not have seen test images, this one saw 11"):
        work.do(job)


def test_test_images_equal_to_training_images_are_an_allowed_leak(shop):
    work = shop()
    job = job_of(work, "simclr", "linear")
    test = work.plan.tasks[job.task].test
    hashes = work.store.index["sha256"].to_list()
    hashes[test[0]] = hashes[job.labels.train[0]]
    work.store.index = work.store.index.with_columns(pl.Series("sha256", hashes))
    assert work._unlike_training(job).tolist() == test[1:].tolist()


def test_pictures_are_drawn_for_the_first_run_alone(shop):
    work = shop()
    for draw in (0, 1):
        job = job_of(work, "scratch", "finetune", draw)
        work.do(job)
        assert work.ledger.picture(job.key).is_file() == (draw == 0)
