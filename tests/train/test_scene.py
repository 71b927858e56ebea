"""What an encoder is shown: sizes, regions, and intensities measured on training images only."""

import math
from pathlib import Path

import numpy as np
import pytest

from anlage import plugins
from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.train.scene import measure_intensities, resolve_size, scene_of, warn_of_dims


@pytest.fixture
def slices(slices_store: Path) -> Store:
    return Store.open(slices_store)


@pytest.fixture
def volumes(volumes_store: Path) -> Store:
    return Store.open(volumes_store)


@pytest.mark.parametrize(
    ("size", "largest", "expected"),
    [
        (None, (100, 128), (64, 64)),
        (None, (100, 129), (128, 128)),
        (None, (32, 41, 200), (32, 48, 64)),
        (None, (5, 16, 17), (16, 16, 24)),
        ([48], (100, 128), (48, 48)),
        ([48], (9, 9, 9), (48, 48, 48)),
        ([32, 48], (100, 128), (32, 48)),
    ],
)
def test_sizes(size: list[int] | None, largest: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert resolve_size(size, dims=len(largest), largest=largest) == expected


@pytest.mark.parametrize("size", [[32, 32, 32], [8], [32, 15]])
def test_sizes_that_do_not_fit_are_named(size: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"one edge, or 2 for this 2D store, of at least 16"):
        resolve_size(size, dims=2, largest=(64, 64))


def test_whole_images_are_read_whole(slices: Store, volumes: Store) -> None:
    assert scene_of(slices, size=[16]).region == slices.shape(0)[1:]
    assert scene_of(slices, size=[16]).field == "image"  # pictures are resized, however large
    assert scene_of(volumes, size=None).field == "image"


def test_parts_of_large_volumes_are_read_so_that_views_keep_the_resolution(
    volumes: Store,
) -> None:
    scene = scene_of(volumes, size=[16], crop_scale=(0.5, 1.0))
    assert (scene.field, scene.size) == ("window", (16, 16, 16))
    kept = (0.5 ** (1 / 3) + 1) / 2  # of an edge, on average
    assert scene.region == (math.ceil(16 / kept),) * 3
    assert scene_of(volumes, size=[16], crop_scale=(1.0, 1.0)).region == (16, 16, 16)


def test_the_field_can_be_asked_for(slices: Store, volumes: Store) -> None:
    assert scene_of(slices, size=[16], field="window").region == (16, 16)
    assert scene_of(volumes, size=[16], field="image").region == volumes.shape(0)[1:]


@pytest.mark.parametrize("kind", ["slices", "volumes"])
def test_intensities_are_those_of_the_given_rows(kind: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(kind)
    rows = np.array([1, 4, 7])
    found = measure_intensities(store, rows, window=None)
    values = np.stack([store.image(row) for row in rows]).astype(np.float64)
    unit = np.clip((values - found.low) / (found.high - found.low), 0, 1)
    assert found.mean == pytest.approx((unit.mean(),), rel=1e-6)
    assert found.std == pytest.approx((unit.std(),), rel=1e-6)
    assert measure_intensities(store, np.array([1, 4]), window=None).mean != found.mean


@pytest.mark.parametrize(
    ("allowed", "kind", "words"),
    [
        ((2,), "volumes", "acquired in 2D, but this store holds 3D images"),
        ((3,), "slices", "acquired in 3D, but this store holds 2D images"),
        ((2, 3), "slices", ""),
        ((3,), "volumes", ""),
    ],
)
def test_images_of_a_dimension_that_the_modality_lacks_are_warned_of(
    allowed: tuple[int, ...],
    kind: str,
    words: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store: Store = request.getfixturevalue(kind)
    policy = plugins.load("modalities", "mri").model_copy(update={"dims": allowed})
    monkeypatch.setattr(plugins, "load", lambda *_names: policy)
    warn_of_dims(store)
    said = capsys.readouterr().out
    assert words in said
    assert said.count("\n") == bool(words)


def test_an_unknown_window_is_named(slices: Store) -> None:
    with pytest.raises(ConfigError, match="window"):
        measure_intensities(slices, np.array([0]), window="lung")
