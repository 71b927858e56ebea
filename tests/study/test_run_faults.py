"""Jobs that fail are counted with their reason, and never called transfer."""

import json
import re
import shutil

import pytest

from anlage.errors import DataError
from anlage.study import jobs
from anlage.study.run import study


def results_of(root):
    return json.loads((root / "results.json").read_text())


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
