"""A study from settings to its answer: what it does, says and is blind to."""

import json
from dataclasses import replace

import numpy as np
import pytest

import anlage.study.run as module
from anlage.data.store import Store
from anlage.study.config import StudyConfig
from anlage.study.results import Comparison, Results
from anlage.study.run import study


def results_of(root):
    return json.loads((root / "results.json").read_text())


def test_all_jobs_are_done_and_told(finished):
    found = results_of(finished)
    assert found["failures"] == []
    assert {cell["arm"] for cell in found["cells"]} == {
        "prior", "pixels", "scratch", "random_frozen", "simclr"
    }  # fmt: skip
    for name in ("study.yaml", "results.csv", "report.html"):
        assert (finished / name).is_file()
    assert "with 11 test patients no claim can be made" in found["verdict"][0]


def test_pretraining_sees_the_training_part_alone(finished, slices_store):
    store = Store.open(slices_store)
    hashes = np.array(store.index["sha256"].to_list())
    (path,) = finished.glob("pretrain/*/**/pretrained_on.json")
    seen = set(json.loads(path.read_text())["sha256"])
    assert seen == set(hashes[store.split()["train"]])


def test_no_test_label_influences_any_prediction(
    slices_store, quick, tmp_path, answers, with_labels
):
    test = Store.open(slices_store).split()["test"].tolist()

    def turned(labels):
        swap = {"dark": "none", "none": "dark"}
        return [swap[v] if row in test else v for row, v in enumerate(labels)]

    settings = quick(
        learning_rates=[1e-3, 1e-1],
        budgets=["3-shot"],
        draws=1,
        rungs=["linear", "finetune"],
    )
    found = []
    for name, change in (("same", list), ("turned", turned)):
        store = with_labels(slices_store, tmp_path / f"store-{name}", change)
        study(store, out=tmp_path / name, **settings)
        found.append(tmp_path / name)
    same, other = answers(found[0]), answers(found[1])
    assert len(same) == len(other) == 5
    for job, kept in same.items():
        np.testing.assert_array_equal(other[job], kept)
    values = [
        [cell["metrics"]["balanced_accuracy"]["value"] for cell in results_of(root)["cells"]]
        for root in found
    ]
    assert values[0] != values[1]


def test_what_a_store_must_state_is_stated_with_the_results(
    copied, slices_store, quick, monkeypatch, capsys
):
    opened = Store.open(slices_store)
    meta = opened.meta.model_copy(update={"notes": ("LEAK allowed: 3 groups",)})
    monkeypatch.setattr(module.Store, "open", lambda _path: Store(opened.root, meta, opened.index))
    study(slices_store, out=copied, **quick())
    assert results_of(copied)["notes"][0] == "LEAK allowed: 3 groups"
    assert "LEAK allowed: 3 groups" in capsys.readouterr().out
    assert "LEAK allowed: 3 groups" in (copied / "report.html").read_text()


def compared(arm, rung, **changes):
    given = dict.fromkeys(("delta", "low", "high"), 0.1) | dict.fromkeys(("p_value",), 0.001)
    given |= {"task": "classification-lesion", "twin": "scratch", "budget": "2-shot"}
    given |= {"p_adjusted": 0.001, "probability_better": 1.0, "is_claimable": True}
    given |= {"failed": 0, "runs": 3, "missing": 0, "twin_rung": rung, **changes}
    return Comparison(arm=arm, rung=rung, **given)


# what helps a linear probe can be worse than a whole network
WORSE = compared("mae", "linear", twin_rung="finetune", delta=-0.2, low=-0.3, high=-0.1)


@pytest.mark.parametrize(
    ("found", "arm"),
    [
        ([compared("imagenet", "finetune"), compared("mae", "finetune")], "mae"),
        ([compared("simclr", "knn"), compared("mae", "finetune")], "mae"),
        ([compared("mae", "linear", p_adjusted=0.5), compared("simclr", "knn")], "simclr"),
        ([compared("simclr", "knn", twin="random_frozen"), compared("mae", "linear")], "mae"),
        ([compared("imagenet", "finetune")], None),
        ([compared("mae", "linear", twin="random_frozen"), WORSE], None),
        (
            [compared("mae", "linear", twin="random_frozen"), WORSE, compared("simclr", "knn")],
            "simclr",
        ),
    ],
)
def test_the_next_command_starts_from_a_strategy_that_helps_on_the_dearest_rung(
    slices_store, quick, tmp_path, found, arm
):
    config = StudyConfig.parse(
        quick(strategies=[{"method": "simclr"}, {"method": "mae"}]), where="test"
    )
    plan = module.make_plan(Store.open(slices_store), config)
    (title,) = plan.tasks
    found = tuple(replace(c, task=title) for c in found)
    results = Results(headlines={}, cells=(), comparisons=found, failures=())
    *why, said = module._next(slices_store, tmp_path, config, plan, results)
    assert bool(why) == (arm is None)
    assert f"--start {tmp_path / 'pretrain' / arm if arm else 'scratch'}" in said
    is_kept = arm is not None and all(c.rung != "finetune" for c in found)
    assert ("--set adapt.mode=frozen" in said) == is_kept


def test_the_outcome_says_how_to_use_the_answer_and_why_so(copied, slices_store, quick, capsys):
    why, command = study(slices_store, out=copied, **quick()).next
    assert why == "Nothing was shown to beat training from scratch, so the next command does that."
    assert command.startswith(f"Next: anlage finetune {slices_store} --start scratch")
    assert "--task classification --label lesion" in command
    assert "Next:" not in capsys.readouterr().out


def test_a_dry_run_writes_nothing(slices_store, quick, tmp_path, capsys):
    outcome = study(slices_store, out=tmp_path / "s", dry_run=True, **quick())
    assert outcome.results is None
    assert not list(tmp_path.iterdir())
    assert "1 pretraining, 16 adaptations" in capsys.readouterr().out


def test_imagenet_weights_that_are_not_there_are_left_out_and_noted(
    slices_store, quick, tmp_path, capsys
):
    study(slices_store, out=tmp_path / "s", dry_run=True, **quick(controls=["imagenet"]))
    assert "control imagenet left out: there are no ImageNet weights" in capsys.readouterr().out


def test_volumes_have_no_imagenet_control(volumes_store, quick, tmp_path, capsys):
    settings = quick(controls=["imagenet", "scratch"], rungs=["finetune"])
    settings["tasks"] = [{"task": "segmentation"}]
    study(volumes_store, out=tmp_path / "s", dry_run=True, **settings)
    assert "control imagenet left out: its weights are for pictures" in capsys.readouterr().out


def test_mild_views_are_told_with_the_key_that_leaves_them_out(
    slices_store, quick, tmp_path, capsys
):
    study(slices_store, out=tmp_path / "s", dry_run=True, **quick())
    key = "--set pretrain.augmentation.views.flip_lr=null"
    assert capsys.readouterr().out.count(key) == 1
    settings = quick(pretrain={"augmentation": {"views": {"flip_lr": None}}})
    study(slices_store, out=tmp_path / "s", dry_run=True, **settings)
    assert "flip_lr" not in capsys.readouterr().out
