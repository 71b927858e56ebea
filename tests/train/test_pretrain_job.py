"""How a run hides positions: by step, by label maps, by its own errors, and alike after a crash."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.methods.generative import mae
from anlage.methods.generative.mae import MAE
from anlage.train import pretrain_job
from anlage.train.distributed import World
from anlage.train.feed import FedBatch, Feed
from anlage.train.pretrain import PretrainConfig, pretrain
from anlage.train.pretrain_job import PretrainJob

_TINY = {
    "method": "mae",
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "steps": 4,
    "batch_size": 8,
    "precision": "fp32",
    "device": "cpu",
}


@contextmanager
def _job(store: Path | Store, *, world: World | None = None, **settings: Any) -> Iterator[Any]:
    mask = settings.pop("mask", {})
    config = PretrainConfig(**{**_TINY, **settings, "augmentation": {"mask": mask}})
    opened = Store.open(store) if isinstance(store, Path) else store
    job = PretrainJob(opened, config, world or World())
    with closing(job):
        yield job


def _hidden(job: PretrainJob, number: int) -> torch.Tensor:
    (masks,) = job.objective.batch(number).masks
    return masks


def test_the_share_follows_the_steps_and_not_the_micro_batches(slices_store: Path) -> None:
    mask = {"unit": 4, "ratio": 0.75, "start_ratio": 0.25, "ramp": 1.0}
    with _job(slices_store, mask=mask, accumulate=2) as job:
        counts = [_hidden(job, number).flatten(1).sum(dim=1).tolist() for number in range(8)]
    assert counts == [[share] * 4 for share in (16, 16, 24, 24, 32, 32, 40, 40)]


def test_every_process_hides_the_same_share(slices_store: Path) -> None:
    mask = {"unit": 4, "ratio": 0.75, "start_ratio": 0.25, "ramp": 1.0}
    for rank in range(2):
        with _job(slices_store, mask=mask, world=World(rank=rank, size=2)) as job:
            assert _hidden(job, 2).flatten(1).sum(dim=1).tolist() == [32] * 4


def test_label_maps_are_read_for_masks_that_look_at_them_and_for_no_others(
    slices_store: Path,
) -> None:
    found = {}
    for kind in ("random", "lesion"):
        with _job(slices_store, mask={"kind": kind, "unit": 4}, batch_size=32) as job:
            fed = job.feed.batch(0)
            assert (fed.crops.label_maps is not None) == (kind == "lesion")
            assert ("label maps" in job.describe()) == (kind == "lesion")
            found[kind] = _hidden(job, 0)
    lesions = fed.crops.label_maps.flatten(1).any(dim=1)
    differs = (found["random"] != found["lesion"]).flatten(1).any(dim=1)
    assert 0 < lesions.sum() < 32
    assert differs[lesions].any()
    assert not differs[~lesions].any()


def test_a_lesion_mask_without_label_maps_is_refused(slices_store: Path) -> None:
    store = Store.open(slices_store)
    store.__dict__["has_mask"] = np.zeros(len(store), dtype=bool)
    with (
        pytest.raises(ConfigError, match=r"mask lesion needs images with label maps, the .* none"),
        _job(store, mask={"kind": "lesion"}),
    ):
        pass


def test_label_maps_of_test_images_never_guide_a_mask(slices_store: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"must see the part train alone, got train, test"),
        _job(slices_store, mask={"kind": "lesion", "unit": 4}, parts=("train", "test")),
    ):
        pass


def test_spacings_of_test_images_do_not_set_the_mask(
    slices_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(slices_store)
    asked = []
    monkeypatch.setattr(
        pretrain_job, "view_pixel_mm", lambda spacing, **_: asked.append(len(spacing))
    )
    with _job(store, mask={"unit": 4}) as job:
        assert asked == [len(job.rows)]
    assert len(job.rows) < len(store)


def test_a_loss_mask_needs_a_method_that_says_where_it_errs(
    slices_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(MAE):  # a class of its own: whether MAE measures errors is remembered
        error_map = None

    monkeypatch.setattr(mae, "MAE", Silent)
    with (
        pytest.raises(ConfigError, match=r"mask loss needs a method that measures .* mae does not"),
        _job(slices_store, mask={"kind": "loss"}),
    ):
        pass


@pytest.mark.parametrize("method", ["mae", "aligned_mae"])
def test_a_loss_mask_follows_the_method_as_it_learns(slices_store: Path, method: str) -> None:
    with _job(slices_store, mask={"kind": "loss", "unit": 4}, method=method) as job:
        first = job.objective.batch(0).masks
        again = job.objective.batch(0).masks
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        torch.manual_seed(1)
        with torch.no_grad():
            for parameter in job.method.painter.decoder.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
        later = job.objective.batch(0).masks
    assert not any(torch.equal(a, b) for a, b in zip(first, later, strict=True))


def test_the_picture_shows_the_masks_of_the_first_step(slices_store: Path, tmp_path: Path) -> None:
    mask = {"kind": "lesion", "unit": 4, "ratio": 0.75, "start_ratio": 0.25}
    with _job(slices_store, mask=mask) as job:
        job.draw(tmp_path / "first.png")
    with _job(slices_store, mask={**mask, "start_ratio": 0.75}) as job:
        job.draw(tmp_path / "other.png")
    assert (tmp_path / "first.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_a_run_with_a_changing_share_that_dies_ends_with_the_same_weights(
    slices_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = {"kind": "loss", "unit": 4, "ratio": 0.75, "start_ratio": 0.25, "ramp": 0.8}
    settings = {**_TINY, "accumulate": 2, "checkpoint_every": 2, "log_every": 1}
    settings["augmentation"] = {"mask": mask}
    pretrain(slices_store, out=tmp_path / "whole", **settings)
    read = Feed.batch

    def dies(self: Feed, number: int) -> FedBatch:
        if number == 7:  # within the last of four steps
            raise RuntimeError("planted")
        return read(self, number)

    monkeypatch.setattr(Feed, "batch", dies)
    with pytest.raises(RuntimeError, match="planted"):
        pretrain(slices_store, out=tmp_path / "parts", **settings)
    monkeypatch.setattr(Feed, "batch", read)
    pretrain(slices_store, out=tmp_path / "parts", **settings)
    whole, parts = (
        load_file(tmp_path / name / "encoder" / "encoder.safetensors")
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
