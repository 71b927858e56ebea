"""A study that goes on: what is done is kept, and what does not belong to it is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from anlage.config import read_yaml, write_yaml
from anlage.errors import ConfigError
from anlage.study import jobs
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


def test_running_again_does_nothing_again(copied, slices_store, quick, monkeypatch):
    def never(*_given, **_options):
        raise AssertionError("done already")

    monkeypatch.setattr(jobs.Workshop, "do", never)
    before, kept = stamps(copied), numbers(copied)
    assert study(slices_store, out=copied, **quick()).exit_code == 0
    assert stamps(copied) == before
    assert numbers(copied) == kept


def test_one_lost_job_alone_is_done_again_with_the_same_answer(
    copied, slices_store, quick, answers
):
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
    place, undisturbed, slices_store, quick, tmp_path, answers
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


def test_code_of_another_commit_is_told(copied, slices_store, quick):
    (path,) = copied.glob("jobs/*prior-prior*draw1*/result.json")
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "run": {**facts["run"], "commit": "0000aaaa"}}))
    before = results_of(copied)["run"]["commits"]
    assert len(before) == 1
    study(slices_store, out=copied, **quick())
    assert results_of(copied)["run"]["commits"] == sorted([*before, "0000aaaa"])
    assert "done with 2 versions of the code (" in (copied / "report.html").read_text()


def test_changes_since_the_last_run_are_said(copied, slices_store, quick, capsys):
    study(slices_store, out=copied, **quick(replicates=101))
    assert "changed since the last run: replicates: 100 -> 101" in capsys.readouterr().out


def test_a_study_file_of_before_is_no_change(copied, slices_store, quick, capsys):
    stated = read_yaml(copied / "study.yaml")
    stated["pretrain"] |= {"method": "simclr", "method_options": {}}
    write_yaml(copied / "study.yaml", stated)
    study(slices_store, out=copied, **quick())
    assert "changed since" not in capsys.readouterr().out


def test_another_store_in_the_same_folder_is_refused(
    copied, slices_store, quick, tmp_path, with_labels
):
    other = with_labels(slices_store, tmp_path / "other", lambda labels: labels[::-1])
    with pytest.raises(ConfigError, match="holds a study of another store"):
        study(other, out=copied, **quick())


def test_a_damaged_study_file_is_refused(copied, slices_store, quick):
    (copied / "study.yaml").write_text("tasks: [")
    with pytest.raises(ConfigError, match=r"study\.yaml is not valid YAML"):
        study(slices_store, out=copied, **quick())


@pytest.mark.parametrize(("name", "words"), [("run.json", "a run of"), ("store.json", "a store")])
def test_a_folder_that_holds_something_else_is_refused(slices_store, quick, tmp_path, name, words):
    (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match=f"new folder or a study's, .* holds {words}"):
        study(slices_store, out=tmp_path, **quick())
    assert [path.name for path in tmp_path.iterdir()] == [name]
