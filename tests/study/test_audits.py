"""The quick audit of a study's strategies: once each, kept, and told in the results."""

import json
import shlex
from pathlib import Path

import pytest

from anlage.config import read_yaml
from anlage.data.store import Store
from anlage.study import audits as module
from anlage.study.audits import audit_notes, audit_strategies
from anlage.study.config import StudyConfig
from anlage.study.ledger import Ledger
from anlage.study.plan import make_plan
from anlage.study.run import study
from anlage.train.notices import warn
from anlage.train.pretrain import PretrainConfig

ERASING = {"augmentation": {"crop_scale": [0.15, 0.15]}}
GENTLE = {"augmentation": {"crop_scale": [0.9, 1.0]}}
TWO = [
    {"name": "rough", "method": "simclr", "settings": ERASING},
    {"name": "gentle", "method": "simclr", "settings": GENTLE},
]


@pytest.fixture(autouse=True)
def _nothing_said_before():
    warn.cache_clear()


@pytest.fixture
def audited(slices_store, quick, tmp_path):
    """Return a function that audits a study's strategies and returns its plan and ledger."""
    store, ledger = Store.open(slices_store), Ledger(tmp_path)

    def run(**changes):
        config = StudyConfig(**quick(**{"strategies": TWO, "pretrain_seeds": 2, **changes}))
        plan = make_plan(store, config)
        audit_strategies(store, config, plan, ledger)
        return plan, ledger

    return run


def warnings_in(captured):
    return [line for line in (captured.out + captured.err).splitlines() if "warning:" in line]


def test_each_strategy_is_looked_at_once_whatever_its_seeds(audited, capsys):
    plan, ledger = audited()
    found = json.loads((ledger.root / "quick_audit.json").read_text())
    assert list(found) == [job.key for job in plan.pretrainings if job.seed == 0]
    rough, gentle = found.values()
    assert (rough["light"], gentle["light"]) == ("red", "green")
    captured = capsys.readouterr()
    (line,) = warnings_in(captured)
    assert (captured.out + captured.err).count("quick audit of gentle: nothing found on") == 1
    assert "rough may destroy what the task needs" in line
    command = shlex.split(line.partition("See: ")[2])
    audits = ledger.root.with_name(f"{ledger.root.name}-audit")
    assert command[-4:] == ["--label", "lesion", "--out", str(audits / "rough")]
    recipe = PretrainConfig.parse(read_yaml(Path(command[4])), where="recipe")
    assert recipe == plan.pretrainings[0].config


def test_labels_of_the_tasks_that_read_whole_images_are_read(audited, monkeypatch):
    handed = []
    real = module.quick_audit
    monkeypatch.setattr(
        module,
        "quick_audit",
        lambda job, **more: handed.append(more["labels"]) or real(job, **more),
    )
    label = {"task": "classification", "label": ["lesion"]}
    audited(tasks=[label, {"task": "segmentation"}, {**label, "name": "again"}])
    assert handed == [["lesion"], ["lesion"]]


def test_what_is_known_is_not_looked_at_again_until_tasks_change(audited, monkeypatch):
    audited()
    made = []
    real = module.quick_audit
    monkeypatch.setattr(
        module, "quick_audit", lambda job, **more: made.append(more["name"]) or real(job, **more)
    )
    audited()
    assert made == []
    audited(tasks=[{"task": "classification", "label": ["side"]}])
    assert made == ["rough", "gentle"]


def test_notes_name_no_file_and_only_what_is_red(audited):
    plan, ledger = audited()
    (note,) = audit_notes(plan, ledger)
    assert note.startswith("Quick audit: rough may destroy what the task needs: ")
    assert str(ledger.root) not in note


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}'])
def test_a_damaged_file_is_made_anew(text, audited):
    plan, ledger = audited()
    (ledger.root / "quick_audit.json").write_text(text)
    assert audit_notes(plan, ledger) == ()
    audited()
    assert len(audit_notes(plan, ledger)) == 1


def test_it_can_be_switched_off_and_the_runs_stay_the_same(audited):
    on, _ = audited()
    off, ledger = audited(pretrain={"quick_audit": False})
    assert [job.key for job in on.pretrainings] == [job.key for job in off.pretrainings]
    assert audit_notes(off, ledger) == ()


def test_a_study_tells_it_in_its_results_and_its_page(slices_store, quick, tmp_path):
    root = tmp_path / "study"
    few = {"controls": ["scratch"], "rungs": ["linear"], "draws": 1}
    settings = quick(strategies=TWO[:1], **few)
    study(slices_store, out=root, **settings)
    (note,) = [n for n in json.loads((root / "results.json").read_text())["notes"] if "Quick" in n]
    assert "rough may destroy what the task needs" in note
    assert "rough may destroy what the task needs" in (root / "report.html").read_text()
    card = next(root.glob("pretrain/*/run.json")).read_text()
    assert "quick_audit" not in json.loads(card)  # the study looks, not each of its runs
