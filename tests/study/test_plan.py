"""Jobs: the same labels for every arm, and keys that change when results would."""

import numpy as np
import pytest

from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.study.config import StudyConfig
from anlage.study.plan import make_plan


@pytest.fixture
def plan(slices_store, quick):
    """Make the plan of a quick study, with changes."""

    def make(**changes):
        config = StudyConfig.parse(quick(**changes), where="test")
        return make_plan(Store.open(slices_store), config)

    return make


def keys(plan, arm):
    return {job.key for job in plan.adaptations if job.arm == arm}


def test_every_arm_learns_from_the_same_labels(plan):
    made = plan(budgets=["2-shot", "50%", "100%"], draws=3)
    by_draw = {}
    for job in made.adaptations:
        place = (job.labels.budget, job.labels.draw)
        by_draw.setdefault(place, set()).add(tuple(job.labels.train.tolist()))
        assert not set(job.labels.train) & set(job.labels.validation)
    assert len(by_draw) == 3 + 3 + 1
    assert all(len(found) == 1 for found in by_draw.values())


def test_budgets_are_nested_within_a_draw(plan):
    made = plan(budgets=["1-shot", "3-shot", "100%"], draws=2)
    rows = {
        (j.labels.budget, j.labels.draw): set(j.labels.train.tolist()) for j in made.adaptations
    }
    for draw in (0, 1):
        assert rows["1-shot", draw] < rows["3-shot", draw] < rows["100%", 0]
    assert rows["1-shot", 0] != rows["1-shot", 1]


def test_labels_stay_in_their_parts_and_validation_is_never_larger(plan, slices_store):
    parts = {name: set(rows) for name, rows in Store.open(slices_store).split().items()}
    made = plan(budgets=["1-shot", "100%"])
    for job in made.adaptations:
        assert set(job.labels.train) <= parts["train"]
        assert set(job.labels.validation) <= parts["val"]
        assert len(job.labels.validation) <= len(job.labels.train)
    (place,) = made.tasks.values()
    assert set(place.test) == parts["test"]


def test_every_arm_meets_every_draw_and_seed_if_crossed(plan):
    made = plan(pretrain_seeds=2, draws=3)
    runs = {
        arm: [(j.labels.draw, j.seed) for j in made.adaptations if (j.arm, j.rung) == (arm, rung)]
        for arm, rung in (("simclr", "finetune"), ("scratch", "finetune"), ("simclr", "knn"))
    }
    expected = [(draw, seed) for draw in range(3) for seed in range(2)]
    assert all(found == expected for found in runs.values())


def test_uncrossed_draws_meet_one_seed_each(plan):
    made = plan(pretrain_seeds=2, draws=3, is_crossed=False)
    runs = [(j.labels.draw, j.seed) for j in made.adaptations if j.rung == "finetune"]
    assert sorted(set(runs)) == [(0, 0), (1, 1), (2, 0)]


def test_seeds_of_pretraining_differ_and_are_counted_from_the_common_one(plan):
    made = plan(pretrain_seeds=3, pretrain={"seed": 10})
    assert [job.config.seed for job in made.pretrainings] == [10, 11, 12]
    assert len({job.key for job in made.pretrainings}) == 3


def test_controls_are_there_only_if_wanted(plan):
    arms = {job.arm for job in plan(controls=["scratch"]).adaptations}
    assert arms == {"scratch", "simclr"}
    assert {job.arm for job in plan().adaptations} == {
        "scratch", "random_frozen", "pixels", "prior", "simclr"
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rates": [2e-3]},
        {"adapt": {"batch_size": 5}},
        {"adapt": {"augmentation": {"crop_scale": [0.9, 1.0]}}},
        {"tasks": [{"task": "classification", "label": ["lesion"], "options": {"dropout": 0.1}}]},
        {"tasks": [{"task": "classification", "label": ["side"], "name": "classification-lesion"}]},
        {"pretrain": {"encoder": "resnet18"}},
        {"pretrain": {"image_size": [24]}},
        {"pretrain": {"field": "image"}},
        {"seed": 1},
        {"test_rows": 6},
    ],
)
def test_a_change_of_the_result_changes_every_fine_tuned_key(plan, changes):
    for arm in ("scratch", "simclr"):
        before, after = (
            {k for k in keys(p, arm) if "finetune" in k} for p in (plan(), plan(**changes))
        )
        assert before
        assert after
        assert not before & after


@pytest.mark.parametrize(
    "changes",
    [
        {"strategies": [{"method": "simclr", "settings": {"steps": 3}}]},
        {"strategies": [{"method": "simclr", "settings": {"method_options": {"temperature": 1}}}]},
        {"pretrain": {"steps": 3}},
        {"pretrain": {"batch_size": 6}},
        {"pretrain": {"seed": 5}},
        {"pretrain": {"precision": "bf16"}},
    ],
)
def test_a_change_of_pretraining_changes_pretrained_arms_alone(plan, changes):
    old, new = plan(), plan(**changes)
    assert not {job.key for job in old.pretrainings} & {job.key for job in new.pretrainings}
    assert not keys(old, "simclr") & keys(new, "simclr")
    assert keys(old, "scratch") == keys(new, "scratch")


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "auto"},
        {"replicates": 200},
        {"pretrain": {"log_every": 3, "checkpoint_s": 5.0, "checkpoint_every": 2}},
        {"controls": ["scratch", "random_frozen", "pixels", "prior", "imagenet"]},
        {"strategies": [{"method": "simclr"}, {"method": "mae"}]},
        {"budgets": ["2-shot", "100%"]},
        {"draws": 4},
    ],
)
def test_a_change_that_leaves_results_alone_leaves_keys_alone(plan, changes):
    old, new = plan(), plan(**changes)
    for arm in ("simclr", "scratch", "pixels", "prior"):
        assert keys(old, arm) <= keys(new, arm)
    assert {job.key for job in old.pretrainings} <= {job.key for job in new.pretrainings}


def test_titles_that_look_alike_as_file_names_do_not_share_a_folder(plan):
    names = ["a/b", "a b"]
    strategies = [
        {"method": "simclr", "name": name, "settings": {"steps": steps}}
        for name, steps in zip(names, (2, 3), strict=True)
    ]
    made = plan(strategies=strategies)
    all_keys = [job.key for job in (*made.pretrainings, *made.adaptations)]
    assert len(set(all_keys)) == len(all_keys)
    assert not any("/" in key for key in all_keys)


def test_few_test_patients_are_noted(plan):
    (note,) = [note for note in plan().notes if "the test set has 11 patients" in note]
    assert "no claim is made below 50" in note


def test_few_test_patients_of_the_rarest_class_are_noted(plan, slices_store):
    made = plan()
    (place,) = made.tasks.values()
    patients = Store.open(slices_store).patients[place.test]
    held = {
        name: len(set(patients[place.task.strata[place.test] == number].tolist()))
        for number, name in enumerate(place.task.classes)
    }
    rarest = min(held, key=lambda name: held[name])
    (note,) = [note for note in made.notes if "of the rarest class" in note]
    assert f"the test set has {held[rarest]} patients of the rarest class ({rarest})" in note
    assert "no claim is made below 20" in note


@pytest.mark.parametrize(
    "task",
    [
        {"task": "classification", "label": ["lesion"]},
        {"task": "segmentation", "options": {"is_merged": True}},
    ],
)
def test_only_tasks_with_classes_have_a_rarest_one(plan, task):
    notes = plan(tasks=[task]).notes
    assert any("rarest" in note for note in notes) == (task["task"] == "classification")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"draws": 2}, ["2 runs of each arm at 2-shot (draws x seeds)"]),
        ({"draws": 3}, []),
        ({"draws": 1, "pretrain_seeds": 3}, []),
        ({"draws": 2, "pretrain_seeds": 2}, []),
        ({"draws": 2, "pretrain_seeds": 2, "is_crossed": False}, ["2 runs of each arm at 2-shot"]),
        (
            {"draws": 2, "budgets": ["1-shot", "2-shot", "100%"]},
            ["1 run of each arm at 100%", "2 runs of each arm at 1-shot and 2-shot"],
        ),
        ({"draws": 3, "budgets": ["2-shot", "100%"]}, ["1 run of each arm at 100%"]),
    ],
)
def test_budgets_with_too_few_runs_for_a_claim_are_noted(plan, changes, words):
    found = [note for note in plan(**changes).notes if "of each arm" in note]
    assert len(found) == len(words)
    for note, start in zip(found, words, strict=True):
        assert note.startswith(start)
        assert "no claim is made below 3 runs" in note
        assert ("raise pretrain_seeds." in note) == ("100%" in note)


@pytest.mark.parametrize(
    ("changes", "is_noted"),
    [
        ({"rungs": ["linear", "finetune"]}, True),
        ({"rungs": ["knn", "finetune"]}, False),
        ({"rungs": ["linear"], "controls": ["scratch"]}, False),
        ({}, False),
    ],
)
def test_pixels_that_are_left_out_are_noted(plan, changes, is_noted):
    made = plan(**changes)
    assert ("control pixels left out: it needs the rung knn" in made.notes) == is_noted
    if is_noted:
        assert not keys(made, "pixels")


def test_a_budget_beyond_the_data_says_what_it_uses(plan, slices_store):
    store = Store.open(slices_store)
    rows = store.split()["train"]
    made = plan(budgets=["2-shot", "500-shot", "100%"])
    (note,) = [note for note in made.notes if "of each class" in note]
    assert note == (
        "classification-lesion: 500-shot asks for 500 patients of each class, more than there "
        f"are. It uses all {len(rows)} labelled training images of "
        f"{len(set(store.patients[rows].tolist()))} patients."
    )


def test_a_sample_of_test_cases_is_even(plan, slices_store):
    (place,) = plan(test_rows=4).tasks.values()
    strata = place.task.strata[place.test]
    assert len(place.test) == 4
    assert np.bincount(strata).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strategies": [{"method": "simclrr"}]}, "Did you mean 'simclr'"),
        ({"tasks": [{"task": "clasification", "label": ["lesion"]}]}, "'classification'"),
        ({"tasks": [{"task": "classification", "label": ["leson"]}]}, "Did you mean 'lesion'"),
        ({"rungs": ["frozen"]}, "rungs of classification must be among knn, linear, finetune"),
        ({"strategies": [{"method": "simclr", "settings": {"stepps": 1}}]}, "strategy simclr: "),
    ],
)
def test_what_cannot_be_planned_is_refused_before_work_begins(plan, changes, words):
    with pytest.raises(ConfigError, match=words):
        plan(**changes)


def test_only_jobs_of_the_random_encoder_say_how_it_was_made(plan):
    said = {job.arm for job in plan().adaptations if "twin" in job.settings}
    assert said == {"random_frozen"}


@pytest.mark.parametrize("kind", ["random", "lesion"])
def test_a_strategy_that_sees_label_maps_in_pretraining_is_noted(plan, kind):
    settings = {"augmentation": {"mask": {"kind": kind}}}
    made = plan(strategies=[{"method": "mae", "settings": settings}])
    assert any("strategy mae" in note for note in made.notes) == (kind == "lesion")
