"""A stored model answers as it did when it was stored, or is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.tasks import Task
from anlage.train.adapt import AdaptConfig, adapt
from anlage.train.distributed import World
from anlage.train.finetune import FinetuneConfig, build_task
from anlage.train.model_files import load_model, read_model_card, save_model
from anlage.train.signals import Stop
from anlage.train.start import load_start, seen_by

Stored = tuple[str, Path, dict[str, torch.Tensor], torch.Tensor]


def _task(store: Store, name: str) -> Task:
    return build_task(store, name, ["lesion"] if name == "classification" else [], {})


def _images() -> torch.Tensor:
    return torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module", params=["classification", "segmentation"])
def stored(
    request: pytest.FixtureRequest, slices_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Stored:
    """Name of the task, the model's folder, and its weights and answer before it was stored."""
    store = Store.open(slices_store)
    rows = store.split()["train"]
    settings = AdaptConfig(min_steps=2, max_steps=2, batch_size=4, precision="fp32")
    start = load_start(
        "scratch",
        store,
        rows,
        encoder="resnet10",
        encoder_options={"base_width": 8},
        image_size=[32],
    )
    task = _task(store, request.param)
    fitted = adapt(store, task, start, rows, settings, world=World(), stop=Stop())
    folder = tmp_path_factory.mktemp(request.param) / "model"
    label = ("lesion",) if request.param == "classification" else ()
    config = FinetuneConfig(start="scratch", task=request.param, label=label, adapt=settings)
    save_model(folder, fitted, start=start, store=store, task=task, rows=rows, config=config)
    with torch.no_grad():
        answer = fitted.network(_images())
    return request.param, folder, fitted.network.state_dict(), answer


@pytest.fixture
def copied(stored: Stored, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored[1], tmp_path / "model"))


def test_a_model_has_its_weights_bit_for_bit_and_answers_as_before(
    stored: Stored, slices_store: Path
) -> None:
    name, folder, state, answer = stored
    store = Store.open(slices_store)
    torch.manual_seed(42)
    fitted = load_model(folder, _task(store, name), store)
    assert fitted.network.state_dict().keys() == state.keys()
    for key, value in fitted.network.state_dict().items():
        assert torch.equal(value, state[key]), key
    with torch.no_grad():
        torch.testing.assert_close(fitted.network(_images()), answer)
    assert not fitted.network.training
    assert (fitted.outcome.step, fitted.scene.size) == (2, (32, 32))


def test_it_is_shown_intensities_as_in_training(stored: Stored, slices_store: Path) -> None:
    name, folder, *_ = stored
    store = Store.open(slices_store)
    scratch = load_start("scratch", store, store.split()["train"], encoder="resnet10")
    fitted = load_model(folder, _task(store, name), store)
    assert fitted.intensities == scratch.intensities


def test_its_card_names_the_question_and_its_answers(stored: Stored, slices_store: Path) -> None:
    name, folder, *_ = stored
    card = read_model_card(folder)
    task = _task(Store.open(slices_store), name)
    assert (card.task, card.split) == (name, "default")
    assert card.classes == task.classes
    assert card.task_options == task.config.model_dump(mode="json")


def test_it_remembers_the_images_it_was_trained_on(stored: Stored, slices_store: Path) -> None:
    store = Store.open(slices_store)
    parts = store.split()
    assert seen_by(stored[1], store, parts["train"]) == len(parts["train"])
    assert seen_by(stored[1], store, parts["test"]) == 0


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_head_is_refused(
    damage: str, copied: Path, stored: Stored, slices_store: Path
) -> None:
    path = copied / "head.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(bytes(content) if damage == "flip" else path.read_bytes()[:-8])
    store = Store.open(slices_store)
    with pytest.raises(DataError, match=r"head.safetensors must hold.*missing or damaged. Copy"):
        load_model(copied, _task(store, stored[0]), store)


def test_a_missing_or_damaged_card_is_named(copied: Path) -> None:
    card = json.loads((copied / "model.json").read_text())
    for content in ("{", json.dumps({**card, "stranger": 1}), json.dumps({"task": 3})):
        (copied / "model.json").write_text(content)
        with pytest.raises(DataError, match=r"but is damaged. Copy the run again"):
            read_model_card(copied)
    (copied / "model.json").unlink()
    with pytest.raises(DataError, match=r"has no model.json. Give the run folder"):
        read_model_card(copied)


def test_a_store_of_another_kind_is_refused(copied: Path, volumes_store: Path) -> None:
    store = Store.open(volumes_store)
    with pytest.raises(ConfigError, match="dims 2 and the store 3"):
        load_model(copied, _task(store, read_model_card(copied).task), store)


def test_a_store_of_another_scale_is_refused_unless_allowed(
    stored: Stored, copied: Path, slices_store: Path
) -> None:
    store = Store.open(slices_store)
    store.__dict__["spacing_mm"] = np.full((len(store), 2), 0.71, dtype=np.float32)
    store.__dict__["spacing_stated"] = np.ones(len(store), dtype=np.bool_)
    task = _task(store, stored[0])
    path = copied / "model.json"
    card = json.loads(path.read_text())
    assert card["spacing_mm"] is None  # pictures state none
    load_model(copied, task, store)
    path.write_text(json.dumps({**card, "spacing_mm": [0.71, 1.42]}))
    with pytest.raises(ConfigError, match=r"trained on, 0\.71 x 1\.42 mm"):
        load_model(copied, task, store)
    assert not load_model(copied, task, store, allow_other_spacing=True).network.training
    del card["spacing_mm"]  # as before spacing was kept
    path.write_text(json.dumps(card))
    load_model(copied, task, store)


def test_all_files_are_safetensors_or_json(copied: Path) -> None:
    assert {path.suffix for path in copied.rglob("*") if path.is_file()} == {
        ".json",
        ".safetensors",
    }
