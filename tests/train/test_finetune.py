"""Fine-tuning: an encoder and labels become a model, never with test images in its past."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.train.finetune import finetune
from anlage.train.loop import Outcome
from anlage.train.notices import warn
from anlage.train.pretrain import pretrain

_TINY = {
    "start": "scratch",
    "task": "classification",
    "label": ["lesion"],
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "device": "cpu",
    "adapt": {"min_steps": 2, "max_steps": 2, "batch_size": 4, "precision": "fp32"},
}


def _finetune(store: Path, out: Path, **settings: Any) -> Outcome:
    return finetune(store, out=out, **{**_TINY, **settings})


def _model(out: Path) -> dict[str, torch.Tensor]:
    encoder = load_file(out / "model" / "encoder" / "encoder.safetensors")
    return {**encoder, **load_file(out / "model" / "head.safetensors")}


def test_a_model_is_written_with_its_card(
    pretrained: Path, slices_store: Path, tmp_path: Path
) -> None:
    outcome = _finetune(slices_store, tmp_path, start=str(pretrained))
    assert (outcome.status, outcome.step, outcome.exit_code) == ("finished", 2, 0)
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert card["classes"] == ["dark", "none"]
    assert card["scene"]["size"] == [32, 32]
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["status"] == "finished"
    assert run["images"] == len(Store.open(slices_store).split()["train"])
    past = json.loads((tmp_path / "model" / "encoder" / "card.json").read_text())
    assert past["method"] == "aligned_mae"


@pytest.mark.parametrize(
    ("task", "field", "shown"),
    [
        ("classification", "auto", "image"),
        ("classification", "window", "window"),
        ("segmentation", "auto", "window"),
    ],
)
def test_tasks_about_whole_images_are_shown_whole_images_unless_asked_otherwise(
    task: str, field: str, shown: str, volumes_store: Path, tmp_path: Path
) -> None:
    label = ["lesion"] if task == "classification" else []
    _finetune(volumes_store, tmp_path, task=task, label=label, field=field, image_size=[20])
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert card["scene"]["field"] == shown


def test_a_model_keeps_its_scale_and_an_encoder_of_another_may_be_allowed(
    pretrained: Path, slices_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(pretrained, tmp_path / "run"))
    path = run / "encoder" / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "spacing_mm": [3.0, 3.0]}))
    monkeypatch.setattr(
        Store, "spacing_mm", property(lambda self: np.full((len(self), 2), 0.71, np.float32))
    )
    monkeypatch.setattr(Store, "spacing_stated", property(lambda self: np.ones(len(self), bool)))
    with pytest.raises(ConfigError, match="allow_other_spacing"):
        _finetune(slices_store, tmp_path / "refused", start=str(run))
    assert not (tmp_path / "refused").exists()
    out = tmp_path / "allowed"
    _finetune(slices_store, out, start=str(run), allow_other_spacing=True)
    for name in ("model.json", "encoder/card.json"):
        card = json.loads((out / "model" / name).read_text())
        assert card["spacing_mm"] == pytest.approx([0.71, 0.71])


@pytest.mark.parametrize(("rank", "lines"), [("0", 4), ("1", 0)])
def test_of_several_processes_one_says_what_is_done(
    rank: str,
    lines: int,
    slices_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RANK", rank)
    _finetune(slices_store, tmp_path, dry_run=True)
    pretrain(slices_store, out=tmp_path, dry_run=True)
    assert capsys.readouterr().out.count("\n") == lines
    with pytest.raises(ConfigError, match="must have the label 'nose'"):  # errors are everyone's
        _finetune(slices_store, tmp_path, label=["nose"])


def test_volumes_of_a_modality_of_pictures_are_warned_of_once(
    volumes_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Path(shutil.copytree(volumes_store, tmp_path / "store"))
    card = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**card, "modality": "histology"}))
    for command in (
        lambda where: _finetune(where, tmp_path / "out", dry_run=True),
        lambda where: pretrain(where, out=tmp_path / "out", dry_run=True),
    ):
        warn.cache_clear()
        command(store)
        said = capsys.readouterr().out
        assert said.count("is acquired in 2D, but this store holds 3D images") == 1
        command(volumes_store)
        assert "is acquired in" not in capsys.readouterr().out


def test_no_file_of_a_run_is_a_pickle(slices_store: Path, tmp_path: Path) -> None:
    _finetune(slices_store, tmp_path)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".yaml", ".safetensors", ""}  # "": the lock


@pytest.mark.parametrize(
    "change",
    [
        {"budget": "3-shot"},
        {"budget": "3-shot", "draw": 1},
        {"task_options": {"class_weights": "none", "focal_gamma": 2.0}},
        {"image_size": [48]},
        {"adapt": {**_TINY["adapt"], "seed": 3}},
        {"encoder_options": {"base_width": 8, "norm": "group"}},
    ],
)
def test_every_setting_changes_the_model(
    change: dict[str, Any], slices_store: Path, tmp_path: Path
) -> None:
    usual = {"budget": "3-shot"} if "draw" in change else {}
    _finetune(slices_store, tmp_path / "usual", **usual)
    _finetune(slices_store, tmp_path / "changed", **change)
    first, second = _model(tmp_path / "usual"), _model(tmp_path / "changed")
    assert first.keys() != second.keys() or not all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_a_start_makes_a_difference(pretrained: Path, slices_store: Path, tmp_path: Path) -> None:
    _finetune(slices_store, tmp_path / "scratch")
    _finetune(slices_store, tmp_path / "pretrained", start=str(pretrained))
    first, second = _model(tmp_path / "scratch"), _model(tmp_path / "pretrained")
    assert not all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def all_seeing(slices_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that was pretrained on test images too."""
    folder = tmp_path_factory.mktemp("seen") / "run"
    pretrain(
        slices_store,
        out=folder,
        method="vicreg",
        encoder="resnet10",
        encoder_options={"base_width": 8},
        image_size=[32],
        steps=1,
        batch_size=8,
        parts=["train", "test"],
        device="cpu",
    )
    return folder


@pytest.mark.parametrize("mode", ["finetune", "frozen"])
def test_an_encoder_that_has_seen_test_images_is_refused(
    mode: str, all_seeing: Path, slices_store: Path, tmp_path: Path
) -> None:
    count = len(Store.open(slices_store).split()["test"])
    adapt = {**_TINY["adapt"], "mode": mode}
    with pytest.raises(ConfigError, match=rf"saw {count} of {count} in pretrain.*--allow-seen"):
        _finetune(slices_store, tmp_path / "run", start=str(all_seeing), adapt=adapt)
    assert not (tmp_path / "run").exists()


def test_unless_the_user_allows_it(all_seeing: Path, slices_store: Path, tmp_path: Path) -> None:
    outcome = _finetune(slices_store, tmp_path, start=str(all_seeing), allow_seen=True)
    assert outcome.status == "finished"


def test_an_encoder_of_unknown_past_is_warned_of(
    pretrained: Path, slices_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    lonely = shutil.copytree(pretrained / "encoder", tmp_path / "somewhere" / "encoder")
    _finetune(slices_store, tmp_path / "run", start=str(lonely))
    assert "nothing tells which images this encoder has seen" in capsys.readouterr().out


def test_a_finished_run_is_left_alone_but_not_with_other_settings(
    slices_store: Path, tmp_path: Path
) -> None:
    _finetune(slices_store, tmp_path)
    before = (tmp_path / "model" / "model.json").stat().st_mtime_ns
    assert _finetune(slices_store, tmp_path).reason == "already"
    assert (tmp_path / "model" / "model.json").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"other settings \(.*adapt.seed: 0 -> 5"):
        _finetune(slices_store, tmp_path, adapt={**_TINY["adapt"], "seed": 5})


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    slices_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _finetune(slices_store, tmp_path / "run", dry_run=True)
    assert "finetune from scratch for classification" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"task": "clasification"}, "Did you mean 'classification'"),
        ({"label": ["lesoin"]}, "Did you mean 'lesion'"),
        ({"label": []}, "needs a label column, got none"),
        ({"task_options": {"gamma": 1}}, "no setting 'gamma'"),
        ({"adapt": {"epoch": 1}}, "no setting 'adapt.epoch'. Did you mean 'epochs'"),
        ({"start": "nowhere"}, "nowhere"),
        ({"budget": "lots"}, "lots"),
    ],
)
def test_settings_that_cannot_be_used_are_named_before_anything_is_written(
    settings: dict[str, Any], words: str, slices_store: Path, tmp_path: Path
) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        _finetune(slices_store, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_segmentation_of_volumes_is_a_model_too(volumes_store: Path, tmp_path: Path) -> None:
    adapt = {**_TINY["adapt"], "batch_size": 2}
    outcome = _finetune(volumes_store, tmp_path, task="segmentation", label=[], adapt=adapt)
    assert outcome.status == "finished"
    assert json.loads((tmp_path / "model" / "model.json").read_text())["task"] == "segmentation"
