"""`anlage pretrain`: dry, refused, or done."""

import importlib
import json
import shutil

import numpy as np
import pytest

from anlage.data.store import Store

verb = importlib.import_module("anlage.cli.pretrain")

QUICK = (
    "--encoder", "resnet10", "--image-size", "16", "--steps", "2", "--batch-size", "4",
    "--device", "cpu",
)  # fmt: skip


def test_a_dry_run_writes_nothing(anlage, slices_store, tmp_path):
    ran = anlage("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, "--dry-run")
    assert ran.code == 0
    assert "2 steps of 4 images" in ran.out
    assert not list(tmp_path.iterdir())


def test_the_last_line_is_the_next_command(anlage, slices_store, tmp_path):
    ran = anlage("pretrain", slices_store, "--out", tmp_path / "run", *QUICK)
    assert ran.code == 0
    assert ran.last.startswith(f"Next: anlage finetune {slices_store} --start {tmp_path / 'run'}")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--method", "simclrr"), "Did you mean 'simclr'"),
        (("--encoder", "resnet19"), "Did you mean 'resnet1"),
        (("--set", "stepps=3"), "Did you mean 'steps'"),
        (("--set", "steps"), "key=value"),
        (("--set", "method_options.zzz=1"), "zzz"),
        (("--image-size", "64px"), "whole number"),
        (("--image-size", "8"), "at least 16"),
        (("--image-size", "16,16,16"), "2D store"),
        (("--steps", "0"), "steps"),
        (("--learning-rate", "nan"), "finite"),
        (("--batch-size", "1"), "batch_size"),
        (("--parts", "tset"), "parts"),
        (("--split", "other"), "no split named 'other'"),
        (("--recipe", "none.yaml"), "none.yaml is not a file"),
        (("--device", "cudaa"), "device"),
    ],
)
def test_options_that_cannot_be_are_refused(refused, slices_store, tmp_path, extra, words):
    given = ("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, *extra)
    assert words in refused(*given)
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_folder_that_is_no_store_is_refused(refused, tmp_path):
    assert "no store.json" in refused("pretrain", tmp_path, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_store_of_another_version_is_refused(refused, slices_store, tmp_path):
    store = shutil.copytree(slices_store, tmp_path / "store")
    card = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**card, "format_version": 99}))
    said = refused("pretrain", store, "--out", tmp_path / "run")
    assert "has version 99. Run anlage prepare again" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("labels", "has_mask", "task"),
    [
        (["lesion"], True, "classification --label lesion"),
        (["lesion", "side"], True, "classification --label LABEL"),
        ([], True, "segmentation"),
        ([], False, "classification --label LABEL"),
    ],
)
def test_the_next_command_is_for_what_the_store_has_targets_of(
    slices_store, monkeypatch, labels, has_mask, task
):
    monkeypatch.setattr(Store, "label_names", labels)
    monkeypatch.setattr(Store, "has_mask", np.array([has_mask]))
    assert verb._task(slices_store) == task


def test_mild_views_are_told_and_the_key_leaves_them_out(anlage, slices_store, tmp_path):
    dry = ("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, "--dry-run")
    said = anlage(*dry).out
    assert "mild view flip_lr is on (50% of views)" in said
    key = "augmentation.views.flip_lr=null"
    assert f"--set {key}" in said
    assert "flip_lr" not in anlage(*dry, "--set", key).out


def test_of_steps_and_epochs_it_is_said_which_count(anlage, slices_store, tmp_path):
    dry = ("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, "--dry-run")
    assert "the 2 steps count" in anlage(*dry, "--epochs", "3").out
    assert "steps count" not in anlage(*dry).out


def test_a_batch_that_was_made_smaller_is_said(anlage, slices_store, tmp_path):
    dry = ("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, "--dry-run")
    said = anlage(*dry, "--batch-size", "5000").out
    assert "(batch_size 5,000 is more than there are)" in said
    assert "more than there are" not in anlage(*dry).out


def test_a_gpu_that_is_not_there_is_the_users_mistake(refused, slices_store, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    given = ("pretrain", slices_store, "--out", tmp_path / "run", *QUICK, "--device", "cuda")
    assert refused(*given) == (
        "ConfigError: This machine has no CUDA GPU that torch can use. Use --device auto."
    )
    assert not (tmp_path / "run").exists()
