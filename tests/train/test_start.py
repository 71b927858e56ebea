"""Where adaptation starts: what fits is loaded and reported, what does not is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.train.checkpoint import sha256_of
from anlage.train.start import load_start, seen_by, write_seen

ROWS = np.arange(10)


@pytest.fixture
def store(slices_store: Path) -> Store:
    return Store.open(slices_store)


@pytest.fixture
def run(pretrained: Path, tmp_path: Path) -> Path:
    """A copy of the pretraining run, to change."""
    return Path(shutil.copytree(pretrained, tmp_path / "run"))


def _change_card(run: Path, **changes: Any) -> None:
    path = run / "encoder" / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _change_weights(run: Path, *, drop: int = 0, add: bool = False, tiny: bool = False) -> None:
    """Leave out the largest tensors, or one tiny one, or add one; the checksum is right again."""
    path = run / "encoder" / "encoder.safetensors"
    weights = load_file(path)
    by_size = sorted(weights, key=lambda name: weights[name].numel())
    for name in by_size[len(by_size) - drop :]:
        del weights[name]
    if tiny:
        del weights[by_size[0]]
    if add:
        weights["stranger"] = torch.zeros(3)
    save_file(weights, path)
    _change_card(run, sha256=sha256_of(path))


def test_scratch_depends_on_its_seed(store: Store) -> None:
    options = {"encoder": "resnet10", "encoder_options": {"base_width": 8}, "image_size": [32]}
    first, again, other = (
        load_start("scratch", store, ROWS, seed=seed, **options).encoder.state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("place", ["", "encoder"])
def test_a_pretrained_encoder_is_loaded_from_its_run_or_its_own_folder(
    place: str, pretrained: Path, store: Store
) -> None:
    start = load_start(pretrained / place, store, ROWS)
    weights = load_file(pretrained / "encoder" / "encoder.safetensors")
    assert all(torch.equal(weights[k], v) for k, v in start.encoder.state_dict().items())
    assert (start.name, start.image_size) == ("aligned_mae", (32, 32))
    assert start.report.coverage == 1
    assert start.describe().endswith("100.0% of the network; none missing, none unexpected")


def test_it_is_shown_intensities_as_in_its_pretraining(pretrained: Path, store: Store) -> None:
    start = load_start(pretrained, store, np.array([0]))
    card = json.loads((pretrained / "encoder" / "card.json").read_text())
    assert list(start.intensities.mean) == card["mean"]
    assert list(start.intensities.std) == card["std"]
    scratch = load_start("scratch", store, np.array([0]), encoder="resnet10")
    assert scratch.intensities.mean != start.intensities.mean


def test_missing_and_unexpected_tensors_are_reported(run: Path, store: Store) -> None:
    _change_weights(run, tiny=True, add=True)
    start = load_start(run, store, ROWS)
    assert len(start.report.missing) == 1
    assert start.report.unexpected == ("stranger",)
    assert f"missing: {start.report.missing[0]}; unexpected: stranger" in start.describe()


def test_less_than_95_percent_of_the_network_is_refused(run: Path, store: Store) -> None:
    _change_weights(run, drop=2)
    with pytest.raises(DataError, match=r"at least 95% of the network, but cover \d+\.\d%. Missi"):
        load_start(run, store, ROWS)


def test_flipped_bits_in_weights_are_refused(run: Path, store: Store) -> None:
    path = run / "encoder" / "encoder.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(DataError):
        load_start(run, store, ROWS)


def test_an_encoder_of_pictures_is_refused_for_volumes(
    pretrained: Path, volumes_store: Path
) -> None:
    with pytest.raises(ConfigError, match="this one has dims 2 and the store 3"):
        load_start(pretrained, Store.open(volumes_store), ROWS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}, "channels 3 and the store 1"),
        ({"modality": "cxr"}, "modality cxr and the store mri"),
        ({"unit_range": [-1000.0, 400.0]}, "calibrated as in its pretraining, from -1000 to 400"),
    ],
)
def test_an_encoder_of_other_images_is_refused(
    change: dict[str, Any], words: str, run: Path, store: Store
) -> None:
    _change_card(run, **change)
    with pytest.raises(ConfigError, match=words):
        load_start(run, store, ROWS)


def _spaced(path: Path, *edges: float) -> Store:
    """Open a store as if all its images had this spacing."""
    store = Store.open(path)
    store.__dict__["spacing_mm"] = np.tile(np.float32(edges), (len(store), 1))
    store.__dict__["spacing_stated"] = np.ones(len(store), dtype=np.bool_)
    return store


def test_an_encoder_of_another_scale_is_refused_unless_allowed(
    run: Path, slices_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change_card(run, spacing_mm=[2.13, 0.71])
    store = _spaced(slices_store, 0.71, 0.71)
    with pytest.raises(ConfigError, match=r"trained on, 2\.13 x 0\.71 mm.* shown 0\.71 x 0\.71 mm"):
        load_start(run, store, ROWS)
    assert load_start(run, store, ROWS, allow_other_spacing=True).card.spacing_mm == (2.13, 0.71)
    assert capsys.readouterr().out.count("warning") == 1


def test_the_scale_is_that_of_the_views_asked_for(run: Path, slices_store: Path) -> None:
    _change_card(run, spacing_mm=[0.71, 0.71])  # whole images of 32 pixels, shown at 32
    store = _spaced(slices_store, 0.71, 0.71)
    load_start(run, store, ROWS)
    with pytest.raises(ConfigError, match="Give an image size near 32,32"):
        load_start(run, store, ROWS, image_size=[16])
    load_start(run, store, ROWS, image_size=[16], field="window")


def test_an_old_card_and_a_store_without_spacing_fit_any(run: Path, slices_store: Path) -> None:
    load_start(run, _spaced(slices_store, 7.1, 7.1), ROWS)
    _change_card(run, spacing_mm=[2.13, 0.71])
    load_start(run, Store.open(slices_store), ROWS)


def test_an_encoder_is_shown_what_it_knows_unless_asked_otherwise(run: Path, store: Store) -> None:
    _change_card(run, field="window")
    assert load_start(run, store, ROWS).field == "window"
    assert load_start(run, store, ROWS, field="image").field == "image"
    assert load_start("scratch", store, ROWS, encoder="resnet10", field="window").field == "window"


def test_a_folder_without_encoder_is_named(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DataError, match=str(tmp_path.name)):
        load_start(tmp_path, store, ROWS)


def test_images_are_known_again_by_their_pixels(pretrained: Path, store: Store) -> None:
    parts = store.split()
    assert seen_by(pretrained, store, parts["train"]) == len(parts["train"])
    assert seen_by(pretrained / "encoder", store, parts["train"]) == len(parts["train"])
    assert seen_by(pretrained, store, parts["test"]) == 0
    mixed = np.concatenate([parts["train"][:3], parts["test"]])
    assert seen_by(pretrained, store, mixed) == 3


def test_scratch_has_seen_nothing_and_of_strangers_nothing_is_known(
    run: Path, store: Store
) -> None:
    assert seen_by("scratch", store, ROWS) == seen_by("imagenet", store, ROWS) == 0
    (run / "pretrained_on.json").unlink()
    assert seen_by(run, store, ROWS) is None


def test_a_model_has_seen_what_its_encoder_saw_and_its_own_images(
    pretrained: Path, store: Store, tmp_path: Path
) -> None:
    parts = store.split()
    write_seen(tmp_path, store, parts["val"], before=pretrained / "encoder")
    assert seen_by(tmp_path, store, parts["val"]) == len(parts["val"])
    assert seen_by(tmp_path, store, parts["train"]) == len(parts["train"])
    assert seen_by(tmp_path, store, parts["test"]) == 0
    write_seen(tmp_path, store, parts["val"], before=None)
    assert seen_by(tmp_path, store, parts["train"]) == 0


def test_a_start_that_does_not_exist_is_said_not_to(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"the folder {tmp_path / 'none'} does not exist"):
        load_start(tmp_path / "none", store, ROWS)
