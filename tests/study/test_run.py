"""A study from settings to its page: resumable, honest about failures, blind to test labels."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import anlage.study.run as module
from anlage.config import read_yaml, write_yaml
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.study import jobs
from anlage.study.config import StudyConfig
from anlage.study.results import Comparison, Results
from anlage.study.run import study


def results_of(root):
    return json.loads((root / "results.json").read_text())


def numbers(root):
    """Everything in the results that does not depend on the clock."""
    found = results_of(root)
    for cell in found["cells"]:
        del cell["seconds"]
    return {name: found[name] for name in ("cells", "comparisons", "verdict", "failures", "jobs")}


def stamps(root):
    files = [*root.glob("jobs/*/*"), *root.glob("pretrain/*/encoder/*")]
    return {path: path.stat().st_mtime_ns for path in files}


def answers(root):
    """The predictions of every job, without what is true."""
    kept = {}
    for path in sorted(root.glob("jobs/*/cases.parquet")):
        cases = pl.read_parquet(path)
        kept[path.parent.name] = cases.select([c for c in cases.columns if c[0] == "p"]).to_numpy()
    return kept


@pytest.fixture
def copied(finished, tmp_path):
    """A finished study that a test may damage."""
    return shutil.copytree(finished, tmp_path / "study")


def test_all_jobs_are_done_and_told(finished):
    found = results_of(finished)
    assert found["failures"] == []
    assert {cell["arm"] for cell in found["cells"]} == {
        "prior", "pixels", "scratch", "random_frozen", "simclr"
    }  # fmt: skip
    for name in ("study.yaml", "results.csv", "report.html"):
        assert (finished / name).is_file()
    assert "with 11 test patients no claim can be made" in found["verdict"][0]


def test_running_again_does_nothing_again(copied, slices_store, quick, monkeypatch):
    def never(*_given, **_options):
        raise AssertionError("done already")

    monkeypatch.setattr(jobs.Workshop, "do", never)
    before, kept = stamps(copied), numbers(copied)
    assert study(slices_store, out=copied, **quick()).exit_code == 0
    assert stamps(copied) == before
    assert numbers(copied) == kept


def test_one_lost_job_alone_is_done_again_with_the_same_answer(copied, slices_store, quick):
    before, kept = stamps(copied), answers(copied)
    lost = next(copied.glob("jobs/*scratch-finetune*draw1*"))
    shutil.rmtree(lost)
    study(slices_store, out=copied, **quick())
    changed = [path for path, stamp in stamps(copied).items() if before.get(path) != stamp]
    assert {path.parent for path in changed} == {lost}
    np.testing.assert_array_equal(answers(copied)[lost.name], kept[lost.name])


def test_a_new_arm_or_budget_keeps_what_is_done(copied, slices_store, quick):
    before = stamps(copied)
    study(slices_store, out=copied, **quick(budgets=["2-shot", "100%"], rungs=["linear"]))
    after = stamps(copied)
    assert all(after[path] == stamp for path, stamp in before.items())
    assert len(after) > len(before)
    assert {cell["budget"] for cell in results_of(copied)["cells"]} == {"2-shot", "100%"}
    assert {cell["rung"] for cell in results_of(copied)["cells"]} == {"linear", "prior"}


FEW = {"rungs": ["finetune"], "controls": ["scratch"], "draws": 3}

KILLED = """
import json, sys, torch
torch.set_num_threads(1)
from anlage.study.run import study
study(sys.argv[1], out=sys.argv[2], **json.loads(sys.argv[3]))
"""


def kill_when(process, is_time):
    deadline = time.monotonic() + 300
    while not is_time():
        assert process.poll() is None, "the study ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def undisturbed(slices_store, quick, tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed") / "study"
    study(slices_store, out=root, **quick(**FEW))
    return root


@pytest.mark.parametrize("place", ["pretraining", "adaptation"])
def test_a_killed_study_goes_on_to_the_same_numbers(
    place, undisturbed, slices_store, quick, tmp_path
):
    root = tmp_path / "killed"
    settings = quick(**FEW)
    given = [str(slices_store), str(root), json.dumps(settings)]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *given],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if place == "pretraining":
        kill_when(process, lambda: any(root.glob("pretrain/*/run.json")))
    else:
        kill_when(process, lambda: len(list(root.glob("jobs/*/result.json"))) >= 2)
    done = {path for path in stamps(root) if path.name == "result.json"}
    assert len(done) < len(results_of(undisturbed)["jobs"])
    before = {path: path.stat().st_mtime_ns for path in done}
    study(slices_store, out=root, **settings)
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert numbers(root) == numbers(undisturbed)
    for job, kept in answers(undisturbed).items():
        np.testing.assert_array_equal(answers(root)[job], kept)


def test_a_signal_ends_after_the_running_job_and_says_so(
    slices_store, quick, tmp_path, monkeypatch, capsys
):
    real = jobs.Workshop.do

    def interrupted(shop, job):
        if job.arm == "pixels":
            os.kill(os.getpid(), signal.SIGINT)
        return real(shop, job)

    monkeypatch.setattr(jobs.Workshop, "do", interrupted)
    outcome = study(slices_store, out=tmp_path / "s", **quick())
    assert outcome.exit_code == 130
    said = capsys.readouterr().out
    assert "Stopped. Nothing is lost: the same command goes on from here." in said
    assert outcome.verdict == (
        "Unfinished: 2 of 16 adaptations are done, nothing is compared yet.",
    )
    assert outcome.next == ()
    assert (tmp_path / "s" / "report.html").is_file()
    assert "Unfinished: 2 of 16 adaptations" in (tmp_path / "s" / "report.html").read_text()


def failing(monkeypatch, arm):
    real = jobs.Workshop.do

    def do(shop, job):
        if job.arm == arm:
            raise DataError("fine-tuning must end with finite weights: no")
        return real(shop, job)

    monkeypatch.setattr(jobs.Workshop, "do", do)


@pytest.mark.parametrize("arm", ["simclr", "scratch"])
def test_failed_jobs_are_kept_counted_and_never_called_transfer(
    copied, slices_store, quick, monkeypatch, arm
):
    for folder in copied.glob(f"jobs/*-{arm}-*"):
        shutil.rmtree(folder)
    with monkeypatch.context() as patch:
        failing(patch, arm)
        outcome = study(slices_store, out=copied, **quick())
    assert outcome.exit_code == 0
    found = results_of(copied)
    cells = [cell for cell in found["cells"] if cell["arm"] == arm]
    assert cells
    assert all(cell["failed"] == cell["runs"] for cell in cells)
    assert {f["reason"] for f in found["failures"]} == {
        "fine-tuning must end with finite weights: no"
    }
    (sentence,) = found["verdict"]
    assert "could not be compared at 2-shot (2 failed runs)" in sentence
    assert "NEGATIVE" not in sentence
    assert "helps" not in sentence
    study(slices_store, out=copied, **quick())
    assert results_of(copied)["failures"] == []


def raising(monkeypatch, error):
    def do(_shop, _job):
        raise error

    monkeypatch.setattr(jobs.Workshop, "do", do)


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, MemoryError])
def test_a_fault_in_a_job_is_kept_as_kind_and_place_without_its_message(
    copied, slices_store, quick, monkeypatch, kind
):
    (lost,) = copied.glob("jobs/*prior-prior*draw1*")
    shutil.rmtree(lost)
    raising(monkeypatch, kind("patient Doe"))
    assert study(slices_store, out=copied, **quick()).exit_code == 0
    (failure,) = results_of(copied)["failures"]
    assert failure["job"] == lost.name
    assert re.fullmatch(kind.__name__ + r" in anlage/study/run\.py, line \d+", failure["reason"])


def test_a_fault_of_the_system_ends_the_study(copied, slices_store, quick, monkeypatch):
    shutil.rmtree(next(copied.glob("jobs/*prior-prior*draw1*")))
    raising(monkeypatch, OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        study(slices_store, out=copied, **quick())


def test_code_of_another_commit_is_told(copied, slices_store, quick):
    (path,) = copied.glob("jobs/*prior-prior*draw1*/result.json")
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "run": {**facts["run"], "commit": "0000aaaa"}}))
    before = results_of(copied)["run"]["commits"]
    assert len(before) == 1
    study(slices_store, out=copied, **quick())
    assert results_of(copied)["run"]["commits"] == sorted([*before, "0000aaaa"])
    assert "done with 2 versions of the code (" in (copied / "report.html").read_text()


def compared(arm, rung, **changes):
    given = dict.fromkeys(("delta", "low", "high"), 0.1) | dict.fromkeys(("p_value",), 0.001)
    given |= {"task": "classification-lesion", "twin": "scratch", "budget": "2-shot"}
    given |= {"p_adjusted": 0.001, "probability_better": 1.0, "is_claimable": True}
    given |= {"failed": 0, "runs": 3, "missing": 0, "twin_rung": rung, **changes}
    return Comparison(arm=arm, rung=rung, **given)


@pytest.mark.parametrize(
    ("found", "arm"),
    [
        ([compared("imagenet", "finetune"), compared("mae", "finetune")], "mae"),
        ([compared("simclr", "knn"), compared("mae", "finetune")], "mae"),
        ([compared("mae", "linear", p_adjusted=0.5), compared("simclr", "knn")], "simclr"),
        ([compared("simclr", "knn", twin="random_frozen"), compared("mae", "linear")], "mae"),
        ([compared("imagenet", "finetune")], None),
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
    is_kept = all(c.rung != "finetune" for c in found)
    assert ("--set adapt.mode=frozen" in said) == is_kept


def test_a_collapsed_pretraining_is_a_failure_of_its_arm(slices_store, quick, tmp_path, capsys):
    settings = quick(controls=["random_frozen"], rungs=["knn"], draws=1)
    settings["strategies"] = [{"method": "simclr", "settings": {"learning_rate": 1e30}}]
    settings["pretrain"]["steps"] = 40
    outcome = study(slices_store, out=tmp_path / "s", **settings)
    said = capsys.readouterr().out
    assert outcome.exit_code == 0
    assert "simclr seed 0 diverged" in said or "simclr seed 0 collapsed" in said
    (sentence,) = outcome.verdict
    assert "could not be compared" in sentence


def with_labels(store, folder, change):
    """Copy a store and change its labels, row by row."""
    shutil.copytree(store, folder)
    frame = pl.read_parquet(folder / "index.parquet")
    values = change(frame["label:lesion"].to_list())
    frame.with_columns(pl.Series("label:lesion", values)).write_parquet(folder / "index.parquet")
    card = json.loads((folder / "store.json").read_text())
    card.pop("index_sha256", None)
    (folder / "store.json").write_text(json.dumps(card))
    return folder


def test_no_test_label_influences_any_prediction(slices_store, quick, tmp_path):
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


def test_pretraining_sees_the_training_part_alone(finished, slices_store):
    store = Store.open(slices_store)
    hashes = np.array(store.index["sha256"].to_list())
    (path,) = finished.glob("pretrain/*/**/pretrained_on.json")
    seen = set(json.loads(path.read_text())["sha256"])
    assert seen == set(hashes[store.split()["train"]])


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


def test_another_store_in_the_same_folder_is_refused(copied, slices_store, quick, tmp_path):
    other = with_labels(slices_store, tmp_path / "other", lambda labels: labels[::-1])
    with pytest.raises(ConfigError, match="holds a study of another store"):
        study(other, out=copied, **quick())


def test_a_damaged_study_file_is_refused(copied, slices_store, quick):
    (copied / "study.yaml").write_text("tasks: [")
    with pytest.raises(ConfigError, match=r"study\.yaml is not valid YAML"):
        study(slices_store, out=copied, **quick())


def test_changes_since_the_last_run_are_said(copied, slices_store, quick, capsys):
    study(slices_store, out=copied, **quick(replicates=101))
    assert "changed since the last run: replicates: 100 -> 101" in capsys.readouterr().out


def test_short_forms_are_the_same_study(slices_store, quick, tmp_path, capsys):
    short = quick()
    for name in ("tasks", "strategies"):
        del short[name]
    short["pretrain"] = {**short["pretrain"]}
    encoder = short["pretrain"].pop("encoder")
    plans = []
    for settings in (
        quick(),
        {
            **short,
            "task": "classification",
            "label": ["lesion"],
            "method": ["simclr"],
            "encoder": encoder,
        },
    ):
        study(slices_store, out=tmp_path / "s", dry_run=True, **settings)
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": ["lesion"]}, "a label belongs to a task, got label lesion without one"),
        ({"task": "segmentation"}, "tasks must be given once"),
        ({"method": ["mae"]}, "strategies must be given once"),
    ],
)
def test_short_forms_that_contradict_are_refused(slices_store, quick, tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words):
        study(slices_store, out=tmp_path / "s", **quick(), **changes)
    assert not (tmp_path / "s").exists()


def test_settings_join_the_recipe_group_by_group(slices_store, quick, tmp_path, monkeypatch):
    write_yaml(tmp_path / "recipe.yaml", quick())
    seen = []
    make_plan = module.make_plan
    monkeypatch.setattr(
        module, "make_plan", lambda store, config: seen.append(config) or make_plan(store, config)
    )
    study(
        slices_store,
        out=tmp_path / "s",
        recipe=tmp_path / "recipe.yaml",
        pretrain={"steps": 7},
        dry_run=True,
    )
    assert (seen[0].pretrain.steps, seen[0].pretrain.encoder) == (7, "resnet10")


def test_a_studys_own_file_is_a_recipe(finished, slices_store, tmp_path, capsys):
    study(slices_store, out=tmp_path / "s", recipe=finished / "study.yaml", dry_run=True)
    assert "16 adaptations" in capsys.readouterr().out


def test_the_outcome_says_how_to_use_the_answer_and_why_so(copied, slices_store, quick, capsys):
    why, command = study(slices_store, out=copied, **quick()).next
    assert why == "No pretraining was shown to help, so the next command starts from scratch."
    assert command.startswith(f"Next: anlage finetune {slices_store} --start scratch")
    assert "--task classification --label lesion" in command
    assert "Next:" not in capsys.readouterr().out


@pytest.mark.parametrize(("name", "words"), [("run.json", "a run of"), ("store.json", "a store")])
def test_a_folder_that_holds_something_else_is_refused(slices_store, quick, tmp_path, name, words):
    (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match=f"new folder or a study's, .* holds {words}"):
        study(slices_store, out=tmp_path, **quick())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_study_file_says_nothing_that_a_study_does_not_read(finished):
    stated = read_yaml(finished / "study.yaml")
    assert not {"method", "method_options"} & stated["pretrain"].keys()
    assert stated["pretrain"]["encoder"] == "resnet10"


def test_a_study_file_of_before_is_no_change(copied, slices_store, quick, capsys):
    stated = read_yaml(copied / "study.yaml")
    stated["pretrain"] |= {"method": "simclr", "method_options": {}}
    write_yaml(copied / "study.yaml", stated)
    study(slices_store, out=copied, **quick())
    assert "changed since" not in capsys.readouterr().out


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
