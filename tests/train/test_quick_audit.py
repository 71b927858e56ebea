"""The quick audit before a pretraining: one line at most, and nothing else changes."""

import json
import random
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from anlage.alignment.intervals import Share
from anlage.alignment.quick import Loss, QuickLook
from anlage.config import read_yaml
from anlage.data.store import Store
from anlage.errors import DataError
from anlage.locks import locked
from anlage.train import pretrain as pretrain_module
from anlage.train import quick_audit as module
from anlage.train.distributed import World
from anlage.train.loop import Outcome
from anlage.train.pretrain import PretrainConfig, pretrain, run_pretraining
from anlage.train.pretrain_job import PretrainJob
from anlage.train.quick_audit import folder_beside, quick_audit
from anlage.train.signals import Stop

_TINY = {
    "method": "simclr",
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "steps": 2,
    "batch_size": 8,
    "precision": "fp32",
    "device": "cpu",
}
_ERASING = {"augmentation": {"crop_scale": [0.15, 0.15]}}
_UNTRAINED = Outcome(status="stopped", step=0, exit_code=143, reason="not trained", seconds=0.0)


@pytest.fixture
def untrained(monkeypatch):
    """Leave the training out."""
    monkeypatch.setattr(pretrain_module, "fit", lambda *_given, **_options: _UNTRAINED)


def job_of(store, **settings):
    job = PretrainJob(Store.open(store), PretrainConfig(**{**_TINY, **settings}), World())
    job.close()
    return job


def look(store, labels=(), **settings):
    return quick_audit(
        job_of(store, **settings), name="mine", recipe=Path("my run/config.yaml"), labels=labels
    )


def run(store, out, **settings):
    return pretrain(store, out=out, **{**_TINY, **settings})


def card(out):
    return json.loads((out / "run.json").read_text())


def random_states():
    numpy_state = np.random.mtrand._rand.get_state()[1].tolist()
    return torch.get_rng_state().tolist(), random.getstate(), numpy_state


def warnings_in(captured):
    return [line for line in (captured.out + captured.err).splitlines() if "warning:" in line]


def told_in(captured):
    return [line for line in (captured.out + captured.err).splitlines() if "quick audit" in line]


def same_weights(first, second):
    one, two = (load_file(out / "encoder" / "encoder.safetensors") for out in (first, second))
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    "settings",
    [_ERASING, {"method": "mae", "augmentation": {"mask": {"kind": "loss"}}}],
    ids=["crops", "masks that ask the method"],
)
def test_weights_are_the_same_bit_for_bit_with_and_without_it(settings, slices_store, tmp_path):
    run(slices_store, tmp_path / "with", **settings)
    run(slices_store, tmp_path / "without", **settings, quick_audit=False)
    assert card(tmp_path / "with")["quick_audit"]["light"] in {"red", "amber", "green"}
    assert "quick_audit" not in card(tmp_path / "without")
    assert same_weights(tmp_path / "with", tmp_path / "without")


def test_it_draws_no_number_and_leaves_the_method_as_it_was(slices_store):
    job = job_of(slices_store, method="mae", augmentation={"mask": {"kind": "loss"}})
    torch.manual_seed(3)
    weights = {name: value.clone() for name, value in job.method.state_dict().items()}
    before = random_states()
    found = quick_audit(job, name="mine", recipe=Path("c.yaml"), labels=["lesion"])
    after = random_states()
    assert "skipped" not in found.facts
    assert before == after
    assert job.method.training
    kept = job.method.state_dict()
    assert all(torch.equal(weights[name], kept[name]) for name in weights)


def test_a_red_light_is_one_line_with_a_command_that_works(
    untrained, slices_store, tmp_path, capsys
):
    out = tmp_path / "a run"
    run(slices_store, out, **_ERASING)
    (line,) = warnings_in(capsys.readouterr())
    assert "simclr may destroy what the task needs: " in line
    assert "of pairs of views lose more than half of a lesion in one of the two" in line
    command = shlex.split(line.partition("See: ")[2])
    assert command[:4] == ["anlage", "audit", str(slices_store), "--recipe"]
    assert command[-2:] == ["--out", str(tmp_path / "a run-audit")]
    recipe = PretrainConfig.parse(read_yaml(Path(command[4])), where="recipe")
    assert recipe.augmentation.crop_scale == (0.15, 0.15)
    found = card(out)["quick_audit"]
    assert found["light"] == "red"
    assert found["says"] in line
    assert str(tmp_path) not in json.dumps(found)


def test_a_green_light_is_no_warning_but_a_line_once(untrained, slices_store, tmp_path, capsys):
    gentle = {"augmentation": {"crop_scale": [0.9, 1.0]}}
    run(slices_store, tmp_path, **gentle)
    assert card(tmp_path)["quick_audit"]["light"] == "green"
    assert card(tmp_path)["quick_audit"]["says"] is None
    captured = capsys.readouterr()
    assert not warnings_in(captured)
    (line,) = told_in(captured)
    images = card(tmp_path)["quick_audit"]["images"]
    assert line == f"quick audit of simclr: nothing found on {images} images (lesions)"
    run(slices_store, tmp_path, **gentle)
    assert not told_in(capsys.readouterr())  # a run that goes on


def test_a_run_that_goes_on_is_not_audited_again(untrained, slices_store, tmp_path, monkeypatch):
    run(slices_store, tmp_path, **_ERASING)
    first = card(tmp_path)["quick_audit"]
    monkeypatch.setattr(module, "look_quickly", lambda *_given, **_options: pytest.fail("again"))
    run(slices_store, tmp_path, **_ERASING)
    assert card(tmp_path)["quick_audit"] == first


def test_switching_it_off_does_not_make_another_run(untrained, slices_store, tmp_path):
    run(slices_store, tmp_path, quick_audit=False)
    run(slices_store, tmp_path, quick_audit=True)
    assert card(tmp_path)["stated"]["config"]["quick_audit"] is True


@pytest.mark.parametrize(("rank", "count"), [(0, 1), (1, 0)])
def test_only_the_first_process_looks(rank, count, untrained, slices_store, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(pretrain_module, "_audit_once", lambda *given: seen.append(given))
    config = PretrainConfig(**_TINY)
    world = World(rank=rank, size=1)
    with locked(tmp_path, what="test"):
        run_pretraining(Store.open(slices_store), config, tmp_path, world, Stop(), given={})
    assert len(seen) == count


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("pixels of Jane"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
        (DataError("an image must be there. Look."), "an image must be there. Look."),
    ],
)
def test_a_fault_inside_is_a_line_and_never_stops_a_run(
    error, reason, untrained, slices_store, tmp_path, monkeypatch, capsys
):
    def fails(*_given, **_options):
        raise error

    monkeypatch.setattr(module, "look_quickly", fails)
    outcome = run(slices_store, tmp_path)
    assert outcome == _UNTRAINED
    (line,) = warnings_in(capsys.readouterr())
    assert line.endswith(f"the quick audit of simclr could not be made: {reason}")
    assert card(tmp_path)["quick_audit"]["skipped"] == reason


def test_a_fault_names_no_folder(slices_store, monkeypatch):
    def fails(*_given, **_options):
        raise DataError(f"{slices_store} must have this. Look.")

    monkeypatch.setattr(module, "look_quickly", fails)
    assert look(slices_store).facts["skipped"] == "the store must have this. Look."


def test_only_training_images_are_looked_at(slices_store, monkeypatch):
    rows = []

    def seen(store, chosen, **more):
        rows.extend(chosen.tolist())
        return read(store, chosen, **more)

    read = module.read_material
    monkeypatch.setattr(module, "read_material", seen)
    look(slices_store, parts=["train", "val", "test"], labels=["lesion"])
    assert 20 <= len(rows) <= 60
    assert set(rows) <= set(Store.open(slices_store).split()["train"].tolist())


def test_few_images_or_none_with_lesions_or_labels_are_not_looked_at(
    slices_store, volumes_store, monkeypatch, capsys
):
    monkeypatch.setattr(module, "read_material", lambda *_given, **_options: pytest.fail("read"))
    few = look(volumes_store, batch_size=4, image_size=[16])
    assert (few.facts["skipped"], few.line) == ("fewer than 20 training images", None)
    monkeypatch.setattr(module, "has_lesion_marks", lambda _store, rows: rows < 0)
    bare = look(slices_store)
    reason = "no label maps or boxes, no label named"
    assert (bare.facts["skipped"], bare.line) == (reason, None)
    assert told_in(capsys.readouterr()) == [
        "quick audit of mine: nothing to look at (fewer than 20 training images)",
        f"quick audit of mine: nothing to look at ({reason})",
    ]
    monkeypatch.setattr(Store, "label_names", ())
    assert look(slices_store).facts["skipped"] == "no label maps, boxes or labels"
    assert look(slices_store, parts=["test"], batch_size=4).facts["skipped"].startswith("fewer")


def test_labels_are_read_where_they_are_given(slices_store, monkeypatch):
    handed = []

    def seen(material, strategy, *, targets):
        handed.append((material.sample, targets))
        return measured(material, strategy, targets=targets)

    measured = module.look_quickly
    monkeypatch.setattr(module, "look_quickly", seen)
    found = look(slices_store, labels=["lesion", "side"], **_ERASING)
    look(slices_store, **_ERASING)
    (rows, (lesion, side)), (_, none) = handed
    assert (lesion.name, side.name, none) == ("lesion", "side", [])
    labels = Store.open(slices_store).labels("lesion")
    assert [lesion.classes[int(v)] for v in lesion.values] == [labels[row] for row in rows]
    assert found.command.endswith("config.yaml' --label lesion --out 'my run-audit'")
    assert "--label" not in look(slices_store, **_ERASING).command


def test_the_command_names_the_label_whose_signal_is_lost(slices_store, monkeypatch):
    share = Share(value=0.5, low=0.4, high=0.6)
    loss = Loss(what="views lose {} of what tells side", share=share, limit=0.1, label="side")
    found = QuickLook(images=30, patients=30, lesion_images=0, losses=(loss,))
    monkeypatch.setattr(module, "look_quickly", lambda *_given, **_options: found)
    said = look(slices_store, labels=["lesion", "side"])
    assert "--label side --out" in said.command
    assert said.says == (
        "mine may destroy what the task needs: views lose 50% (40 to 60%; limit 10%) of what "
        "tells side (30 training images looked at)."
    )


def test_the_line_names_what_it_is_asked_to_name(slices_store):
    assert look(slices_store, **_ERASING).line.startswith("mine may destroy")


def test_the_same_run_is_judged_alike_twice(slices_store):
    assert look(slices_store, **_ERASING).facts == look(slices_store, **_ERASING).facts


def test_what_is_said_hangs_on_no_seed_of_the_training(slices_store):
    first, other = (look(slices_store, ["lesion"], seed=seed, **_ERASING) for seed in (0, 7))
    assert first == other


@pytest.mark.parametrize(
    ("judged", "unread", "line"),
    [
        (True, (), "nothing found on 60 images (lesions)"),
        (True, ("side",), "nothing found on 60 images (lesions; side: too weak a signal to judge)"),
        (False, ("side",), "nothing could be judged on 60 images (side)"),
        (False, (), "nothing could be judged on 60 images (lesions of too few patients)"),
    ],
)
def test_looked_and_fine_is_told_from_not_judged(
    judged, unread, line, slices_store, monkeypatch, capsys
):
    fine = Loss(what="{} of lesions", share=Share(value=0.0, low=0.0, high=0.05), limit=0.1)
    losses = (fine,) if judged else ()
    found = QuickLook(images=60, patients=60, lesion_images=9, losses=losses, unread=unread)
    monkeypatch.setattr(module, "look_quickly", lambda *_given, **_options: found)
    look(slices_store)
    assert told_in(capsys.readouterr()) == [f"quick audit of mine: {line}"]


@pytest.mark.parametrize(
    ("folder", "beside"),
    [("runs/mae", "runs/mae-audit"), (".", "audit"), ("a/..", "a/../audit")],
)
def test_the_audit_of_a_run_lies_beside_it(folder, beside):
    assert folder_beside(Path(folder)) == Path(beside)
