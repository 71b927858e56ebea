"""Adaptation: what is trained, what stays as it was, and where a decoder comes from."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.modalities import Augmentation
from anlage.tasks import Task
from anlage.train.adapt import AdaptConfig, Fitted, adapt, num_steps, training_view
from anlage.train.distributed import World
from anlage.train.finetune import build_task
from anlage.train.signals import Stop
from anlage.train.start import Start, load_start

Adapt = Callable[..., tuple[Start, dict[str, torch.Tensor], Fitted]]


@pytest.fixture
def store(slices_store: Path) -> Store:
    return Store.open(slices_store)


def _task(store: Store, name: str = "classification", **options: Any) -> Task:
    label = ["lesion"] if name == "classification" else []
    return build_task(store, name, label, options)


def _start(store: Store, place: str | Path) -> Start:
    rows = store.split()["train"]
    fresh = {"encoder": "resnet10", "encoder_options": {"base_width": 8}, "image_size": [32]}
    return load_start(place, store, rows, **fresh)


def _adapt(store: Store, place: str | Path, task: Task | None = None, **settings: Any) -> Any:
    """Return the encoder's state before, and the network afterwards."""
    start = _start(store, place)
    before = {name: tensor.clone() for name, tensor in start.encoder.state_dict().items()}
    usual = {"min_steps": 3, "max_steps": 3, "batch_size": 4, "precision": "fp32"}
    fitted = adapt(
        store,
        task or _task(store),
        start,
        store.split()["train"],
        AdaptConfig(**{**usual, **settings}),
        world=World(),
        stop=Stop(),
    )
    return before, fitted


def _changed(before: dict[str, torch.Tensor], fitted: Fitted) -> set[str]:
    after = fitted.network.encoder.state_dict()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("average", [None, 0.9])
def test_a_frozen_encoder_keeps_weights_and_batch_statistics_bit_for_bit(
    average: float | None, pretrained: Path, store: Store
) -> None:
    before, fitted = _adapt(store, pretrained, mode="frozen", average=average)
    assert any("running_mean" in name for name in before)
    assert _changed(before, fitted) == set()
    assert fitted.outcome.step == 3


def test_a_frozen_encoder_gets_a_trained_head(pretrained: Path, store: Store) -> None:
    heads = [
        _adapt(store, pretrained, mode="frozen", learning_rate=rate)[1].network.head.state_dict()
        for rate in (1e-3, 1e-2)
    ]
    assert not torch.equal(heads[0]["1.weight"], heads[1]["1.weight"])


def test_fine_tuning_changes_weights_and_batch_statistics(pretrained: Path, store: Store) -> None:
    before, fitted = _adapt(store, pretrained, mode="finetune")
    changed = _changed(before, fitted)
    trained = {name for name, _ in fitted.network.encoder.named_parameters()}
    assert trained <= changed
    assert {name for name in before if "running" in name} <= changed


def test_the_network_comes_back_in_evaluation_mode(pretrained: Path, store: Store) -> None:
    for mode in ("frozen", "finetune"):
        _, fitted = _adapt(store, pretrained, mode=mode)
        assert not any(module.training for module in fitted.network.modules())


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"learning_rate": 3e-3},
        {"weight_decay": 0.5},
        {"average": None},
        {"batch_size": 8},
        {"max_steps": 4, "min_steps": 4},
        {"augmentation": Augmentation(crop_scale=(0.5, 0.6))},
        {"mode": "frozen"},
    ],
)
def test_every_setting_changes_the_result(change: dict[str, Any], store: Store) -> None:
    _, usual = _adapt(store, "scratch", average=0.9)
    _, changed = _adapt(store, "scratch", **{"average": 0.9, **change})
    first, second = (f.network.state_dict() for f in (usual, changed))
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_settings_give_the_same_result(store: Store) -> None:
    first, second = (_adapt(store, "scratch")[1].network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("images", "steps"), [(4, 20), (64, 80), (640, 100), (32, 40)])
def test_steps_follow_the_epochs_within_their_bounds(images: int, steps: int) -> None:
    config = AdaptConfig(epochs=40, min_steps=20, max_steps=100, batch_size=32)
    assert num_steps(config, images) == steps


def test_bounds_the_wrong_way_round_are_named() -> None:
    with pytest.raises(ConfigError, match="min_steps must not exceed max_steps, got 200 and 9"):
        AdaptConfig.parse({"max_steps": 9}, where="adapt")


def test_a_batch_that_processes_cannot_share_is_named(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"multiple of the number of processes \(2\), got 5"):
        adapt(
            store,
            _task(store),
            _start(store, "scratch"),
            store.split()["train"],
            AdaptConfig(batch_size=5),
            world=World(size=2),
            stop=Stop(),
        )


def test_views_crop_gently_so_that_what_the_label_speaks_of_stays(store: Store) -> None:
    start = _start(store, "scratch")
    for task, least in ((_task(store), 0.7), (_task(store, "segmentation"), 0.6)):
        _, plan = training_view(store, task, start, AdaptConfig())
        assert plan.crop_scale[0] >= least
        assert plan.crop_scale[1] == 1
    asked = AdaptConfig(augmentation=Augmentation(crop_scale=(0.5, 0.8)))
    assert training_view(store, _task(store), start, asked)[1].crop_scale == (0.5, 0.8)


def test_a_view_that_changes_the_label_is_left_out(store: Store) -> None:
    start = _start(store, "scratch")
    names = [
        {step.name for step in training_view(store, task, start, AdaptConfig())[1].steps}
        for task in (_task(store), _task(store, has_side=True))
    ]
    assert names[0] - names[1] == {"flip_lr"}


def test_a_segmentation_takes_over_the_pretrained_decoder_but_not_its_head(
    pretrained: Path, store: Store
) -> None:
    from safetensors.torch import load_file

    task = _task(store, "segmentation", is_merged=True)
    _, fitted = _adapt(
        store, pretrained, task, learning_rate=1e-12, average=None, decoder="pretrained"
    )
    assert fitted.decoder == "pretrained, with a fresh head"
    stored = load_file(pretrained / "encoder" / "decoder.safetensors")
    own = fitted.network.head.state_dict()
    for name, tensor in own.items():
        is_head = name.startswith("head.")
        if is_head:
            assert tensor.shape != stored[name].shape or not torch.equal(tensor, stored[name])
        elif name.endswith("weight"):
            torch.testing.assert_close(tensor, stored[name])


def test_a_decoder_of_another_width_is_said_to_be_fresh(
    pretrained: Path, store: Store, tmp_path: Path
) -> None:
    task = _task(store, "segmentation", width_cap=16)
    _, fitted = _adapt(store, pretrained, task, decoder="pretrained")
    assert fitted.decoder == ("fresh, since the pretrained one has width_cap 128 and the task 16")
    run = Path(shutil.copytree(pretrained, tmp_path / "run"))
    card = json.loads((run / "encoder" / "card.json").read_text())
    (run / "encoder" / "card.json").write_text(json.dumps({**card, "decoder": None}))
    _, fitted = _adapt(store, run, _task(store, "segmentation"), decoder="pretrained")
    assert fitted.decoder == "fresh"


def test_a_decoder_is_fresh_unless_the_pretrained_one_is_asked_for(
    pretrained: Path, store: Store
) -> None:
    assert _adapt(store, pretrained, _task(store, "segmentation"))[1].decoder == "fresh"


def test_classification_speaks_of_no_decoder(pretrained: Path, store: Store) -> None:
    assert _adapt(store, pretrained)[1].decoder == ""


def test_volumes_are_segmented_alike(volumes_store: Path) -> None:
    store = Store.open(volumes_store)
    start = load_start(
        "scratch",
        store,
        store.split()["train"],
        encoder="resnet10",
        encoder_options={"base_width": 8},
        image_size=[32],
    )
    fitted = adapt(
        store,
        _task(store, "segmentation"),
        start,
        store.split()["train"],
        AdaptConfig(min_steps=2, max_steps=2, batch_size=2, precision="fp32"),
        world=World(),
        stop=Stop(),
    )
    assert fitted.outcome.status == "finished"
    assert fitted.scene.size == (32, 32, 32)


def test_labels_decide_what_is_learnt(store: Store) -> None:
    """Rows with other labels, or another order of classes, give another network."""
    task, rows = _task(store), store.split()["train"]
    swapped = _task(store)
    swapped.targets = 1 - swapped.targets
    _, first = _adapt(store, "scratch", task)
    _, second = _adapt(store, "scratch", swapped)
    difference = np.abs(
        first.network.head[1].bias.detach().numpy() + second.network.head[1].bias.detach().numpy()
    )
    assert len(rows) > 0
    assert not torch.equal(first.network.head[1].bias, second.network.head[1].bias)
    assert float(difference.max()) < 0.01  # the two answers mirror each other
