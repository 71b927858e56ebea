"""Pretraining: from a store and settings to an encoder with its card, once and no more."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from anlage.data.store import Store
from anlage.encoders import load_encoder
from anlage.errors import ConfigError, DataError
from anlage.locks import locked
from anlage.train.distributed import World
from anlage.train.loop import Outcome
from anlage.train.pretrain import PretrainConfig, pretrain
from anlage.train.pretrain_job import PretrainJob

_TINY = {
    "method": "vicreg",
    "method_options": {"projection_width": 8},
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "steps": 2,
    "batch_size": 8,
    "precision": "fp32",
    "device": "cpu",
}


def _pretrain(store: Path, out: Path, **settings: Any) -> Outcome:
    return pretrain(store, out=out, **{**_TINY, **settings})


def _weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "encoder" / "encoder.safetensors")


def test_an_encoder_comes_with_all_that_its_user_must_know(
    slices_store: Path, tmp_path: Path
) -> None:
    outcome = _pretrain(
        slices_store, tmp_path, method="simclr", method_options={"temperature": 0.3}
    )
    assert (outcome.status, outcome.step, outcome.exit_code) == ("finished", 2, 0)
    encoder, card = load_encoder(tmp_path / "encoder")
    store = Store.open(slices_store)
    assert (card.method, card.steps, card.seed) == ("simclr", 2, 0)
    assert card.method_config["temperature"] == 0.3
    assert card.store_fingerprint == store.fingerprint
    assert card.pretrained_on.images == len(store.split()["train"])
    assert not card.pretrained_on.is_transductive
    assert encoder.width == 64
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["status"], run["steps"]) == ("finished", 2)
    with Image.open(tmp_path / "views.png") as picture:
        assert picture.size == (3 * 112, 6 * 112)  # the crop and two views of six images


def test_the_card_keeps_the_scale_of_the_views(
    pretrained: Path, slices_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_encoder(pretrained / "encoder")[1].spacing_mm is None  # pictures state none
    train = Store.open(slices_store).split()["train"]

    def spacing_mm(self: Store) -> npt.NDArray[np.float32]:
        found = np.full((len(self), 2), 7.7, dtype=np.float32)
        found[train] = (0.71, 0.72)
        return found

    monkeypatch.setattr(Store, "spacing_mm", property(spacing_mm))
    monkeypatch.setattr(Store, "spacing_stated", property(lambda self: np.ones(len(self), bool)))
    _pretrain(slices_store, tmp_path, image_size=[16])  # images have 32
    card = load_encoder(tmp_path / "encoder")[1]
    assert card.spacing_mm == pytest.approx((1.42, 1.44))


def test_only_training_images_were_seen(slices_store: Path, tmp_path: Path) -> None:
    _pretrain(slices_store, tmp_path)
    store = Store.open(slices_store)
    hashes = store.index["sha256"].gather(store.split()["train"].tolist()).to_list()
    seen = json.loads((tmp_path / "pretrained_on.json").read_text())["sha256"]
    assert seen == sorted(hashes)


def test_test_images_make_a_run_transductive(slices_store: Path, tmp_path: Path) -> None:
    _pretrain(slices_store, tmp_path, parts=["train", "test"])
    assert load_encoder(tmp_path / "encoder")[1].pretrained_on.is_transductive


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"steps": 3},
        {"batch_size": 12},
        {"accumulate": 2},
        {"learning_rate": 1e-2},
        {"weight_decay": 0.9},
        {"image_size": [48]},
        {"parts": ["train", "val"]},
        {"method_options": {"projection_width": 12}},
        {"augmentation": {"crop_scale": [0.5, 0.6]}},
        {"precision": "bf16"},
    ],
)
def test_every_setting_changes_the_encoder(
    change: dict[str, Any], slices_store: Path, tmp_path: Path, pretrained_vicreg: Path
) -> None:
    _pretrain(slices_store, tmp_path, **change)
    usual, changed = _weights(pretrained_vicreg), _weights(tmp_path)
    assert not all(torch.equal(usual[name], changed[name]) for name in usual)


@pytest.fixture(scope="module")
def pretrained_vicreg(slices_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vicreg")
    _pretrain(slices_store, folder)
    return folder


def test_the_same_settings_give_the_same_encoder(
    slices_store: Path, tmp_path: Path, pretrained_vicreg: Path
) -> None:
    _pretrain(slices_store, tmp_path)
    usual, again = _weights(pretrained_vicreg), _weights(tmp_path)
    assert all(torch.equal(usual[name], again[name]) for name in usual)


def test_teachers_momentum_reaches_the_loop(slices_store: Path) -> None:
    store = Store.open(slices_store)
    job = PretrainJob(store, PretrainConfig(**{**_TINY, "teacher_momentum": 0.7}), World())
    assert job.loop_config().teacher_momentum == 0.7
    assert job.loop_config().steps == 2


def test_rates_suit_the_architecture_unless_given(slices_store: Path) -> None:
    store = Store.open(slices_store)

    def rate(**settings: Any) -> float:
        config = PretrainConfig(**{**_TINY, "encoder_options": {}, **settings})
        return PretrainJob(store, config, World()).loop_config().learning_rate

    assert rate() == 1e-3
    assert rate(encoder="vit_tiny") == 5e-4
    assert rate(encoder="vit_tiny", learning_rate=0.2) == 0.2


def test_epochs_count_all_images_once(slices_store: Path) -> None:
    store = Store.open(slices_store)
    images = len(store.split()["train"])
    config = PretrainConfig(**{**_TINY, "steps": None, "epochs": 10})
    assert PretrainJob(store, config, World()).steps == round(10 * images / 8)


def test_a_batch_never_holds_more_than_all_images(slices_store: Path) -> None:
    store = Store.open(slices_store)
    images = len(store.split()["train"])
    config = PretrainConfig(**{**_TINY, "batch_size": 64})
    assert PretrainJob(store, config, World()).local_batch == images


def test_processes_and_micro_batches_share_a_batch(slices_store: Path) -> None:
    store = Store.open(slices_store)
    job = PretrainJob(store, PretrainConfig(**{**_TINY, "accumulate": 2}), World(size=2))
    assert job.local_batch == 4
    assert len(job.feed.batch(0).sample) == 2
    job.close()
    with pytest.raises(ConfigError, match=r"multiple of processes x accumulate \(3\), got 8"):
        PretrainJob(store, PretrainConfig(**{**_TINY, "accumulate": 3}), World())
    with pytest.raises(ConfigError, match=r"needs at least 64 images for 32 parts of a batch, got"):
        PretrainJob(store, PretrainConfig(**{**_TINY, "batch_size": 32, "accumulate": 32}), World())


def test_a_finished_run_is_left_alone(
    slices_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _pretrain(slices_store, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    del before[tmp_path / ".lock"]
    outcome = _pretrain(slices_store, tmp_path)
    assert (outcome.exit_code, outcome.reason) == (0, "already")
    assert "is finished already" in capsys.readouterr().out
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


def test_other_settings_are_refused_with_their_difference(
    slices_store: Path, tmp_path: Path
) -> None:
    _pretrain(slices_store, tmp_path)
    with pytest.raises(ConfigError, match=r"other settings \(config.learning_rate: None -> 0.5\)"):
        _pretrain(slices_store, tmp_path, learning_rate=0.5)
    _pretrain(slices_store, tmp_path, log_every=3)  # says nothing about the weights


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    slices_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _pretrain(slices_store, tmp_path / "run", dry_run=True)
    assert "vicreg with resnet10" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "simcl"}, "no method 'simcl'. Did you mean 'simclr'"),
        ({"encoder": "resnet11"}, "no encoder 'resnet11'"),
        ({"method_options": {"invariant": 1}}, "no setting 'invariant'. Did you mean 'invariance'"),
        ({"batchsize": 4}, "no setting 'batchsize'. Did you mean 'batch_size'"),
        ({"split": "other"}, "split"),
        ({"image_size": [8]}, "at least 16"),
        ({"augmentation": {"crop_scale": [0.0, 1.0]}}, "crop_scale must lie between"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    settings: dict[str, Any], words: str, slices_store: Path, tmp_path: Path
) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        _pretrain(slices_store, tmp_path, **settings)


def test_contrast_needs_two_patients(slices_store: Path) -> None:
    store = Store.open(slices_store)
    store.index = store.index.with_columns(pl.lit(0).alias("group"))
    with pytest.raises(ConfigError, match=r"simclr contrasts patients and needs at least 2.*mae"):
        PretrainJob(
            store, PretrainConfig(**{**_TINY, "method": "simclr", "method_options": {}}), World()
        )
    assert np.unique(store.patients).tolist() == [0]
    PretrainJob(store, PretrainConfig(**_TINY), World())  # vicreg repels nobody


def test_a_run_that_is_being_made_is_not_touched(slices_store: Path, tmp_path: Path) -> None:
    with (
        locked(tmp_path, what="anlage pretrain"),
        pytest.raises(DataError, match="already running"),
    ):
        _pretrain(slices_store, tmp_path)


@pytest.mark.parametrize("method", ["simclr", "vicreg", "mae", "aligned_mae"])
def test_volumes_are_pretrained_alike(method: str, volumes_store: Path, tmp_path: Path) -> None:
    outcome = _pretrain(
        volumes_store, tmp_path, method=method, method_options={}, batch_size=2, steps=1
    )
    assert outcome.status == "finished"
    assert load_encoder(tmp_path / "encoder", dims=3)[1].image_size == (32, 32, 32)


def test_a_joint_embedding_run_that_collapses_is_stopped_and_keeps_no_encoder(
    slices_store: Path, tmp_path: Path
) -> None:
    from anlage.methods.predictive import vicreg
    from anlage.tensors import MethodOutput

    def collapsed(self: torch.nn.Module, views: Any) -> MethodOutput:
        weight = next(self.encoder.parameters())
        return MethodOutput.from_parts(
            all_alike=weight.square().sum(), embedding=torch.ones(len(views.sample), 8)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vicreg.VICReg, "forward", collapsed)
        outcome = _pretrain(slices_store, tmp_path, steps=200, batch_size=4, image_size=[16])
    assert (outcome.status, outcome.exit_code, outcome.step) == ("collapsed", 1, 150)
    assert not (tmp_path / "encoder").exists()
    card = json.loads((tmp_path / "run.json").read_text())
    assert card["status"] == "collapsed"
    assert "same embedding" in card["reason"]
