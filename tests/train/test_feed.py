"""The feed: an endless stream that depends on the seed alone, cut out of the store exactly."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.train.feed import FedBatch, Feed, read_crops

ROWS = np.array([3, 4, 8, 9, 20, 21, 30])


@pytest.fixture
def store(slices_store: Path) -> Store:
    return Store.open(slices_store)


def _batches(store: Store, numbers: list[int], **settings: Any) -> Iterator[FedBatch]:
    usual = {"region": (24, 20), "batch_size": 4, "seed": 0, "device": torch.device("cpu")}
    with closing(Feed(store, settings.pop("rows", ROWS), **{**usual, **settings})) as feed:
        yield from [feed.batch(number) for number in numbers]


def _rows(store: Store, numbers: list[int], **settings: Any) -> list[int]:
    return [row for fed in _batches(store, numbers, **settings) for row in fed.sample.tolist()]


def test_every_epoch_shows_every_image_once_in_its_own_order(store: Store) -> None:
    stream = _rows(store, list(range(7)))  # 28 places, 4 epochs of 7
    epochs = [stream[start : start + 7] for start in range(0, 28, 7)]
    assert all(sorted(epoch) == ROWS.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_the_seed_decides_on_order_and_places(store: Store) -> None:
    first, again, other = (list(_batches(store, [0, 1], seed=seed)) for seed in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.crops.images, two.crops.images)
    assert [fed.sample.tolist() for fed in first] != [fed.sample.tolist() for fed in other]
    rows = np.array([5, 5, 5, 5])
    one, two = (next(_batches(store, [0], rows=rows, seed=seed)) for seed in (0, 1))
    assert not torch.equal(one.crops.images, two.crops.images)  # the same image, elsewhere


def test_a_batch_does_not_depend_on_those_before_it(store: Store) -> None:
    *_, reached = _batches(store, [0, 1, 2, 3, 4, 5])
    (direct,) = _batches(store, [5])
    back = list(_batches(store, [9, 5]))[1]
    for fed in (direct, back):
        assert torch.equal(fed.crops.images, reached.crops.images)
        assert torch.equal(fed.draws.uniform("x", 3), reached.draws.uniform("x", 3))


@pytest.mark.parametrize("number", [0, 1, 6])
def test_two_processes_share_the_batch_of_one(store: Store, number: int) -> None:
    (whole,) = _batches(store, [number], batch_size=4)
    halves = [next(_batches(store, [number], batch_size=2, rank=rank, world=2)) for rank in (0, 1)]
    for name in ("images", "sample", "patient", "spacing_mm"):
        together = torch.cat([getattr(half.crops, name) for half in halves])
        assert torch.equal(together, getattr(whole.crops, name)), name
    numbers = torch.cat([half.draws.uniform("x", 3) for half in halves])
    assert torch.equal(numbers, whole.draws.uniform("x", 3))


def test_an_image_gets_other_random_numbers_in_the_next_epoch(store: Store) -> None:
    first, second = _batches(store, [0, 1], rows=np.array([5]), batch_size=1)
    assert first.sample.tolist() == second.sample.tolist() == [5]
    assert not torch.equal(first.draws.uniform("x", 3), second.draws.uniform("x", 3))
    assert not torch.equal(first.crops.images, second.crops.images)


def test_what_belongs_to_an_image_comes_with_it(store: Store) -> None:
    (fed,) = _batches(store, [0])
    rows = fed.sample.numpy()
    assert fed.crops.patient.tolist() == store.patients[rows].tolist()
    assert np.array_equal(fed.crops.spacing_mm.numpy(), store.spacing_mm[rows])
    assert fed.crops.images.dtype == torch.float16  # as stored
    assert fed.crops.label_maps is None


@pytest.mark.parametrize(
    ("chances", "start"), [((0.0, 0.0), (0, 0)), ((0.5, 0.99999), (4, 12)), ((1.0, 1.0), (8, 12))]
)
def test_a_crop_is_that_part_of_image_and_label_map(
    store: Store, chances: tuple[float, float], start: tuple[int, int]
) -> None:
    row = int(np.flatnonzero([store.mask(row).any() for row in range(len(store))])[0])
    crops = read_crops(
        store,
        np.array([row]),
        region=(24, 20),
        chances=np.array([chances], dtype=np.float32),
        with_masks=True,
    )
    window = tuple(slice(begin, begin + edge) for begin, edge in zip(start, (24, 20), strict=True))
    assert np.array_equal(crops.images[0], store.image(row)[(slice(None), *window)])
    assert np.array_equal(crops.label_maps[0], store.mask(row)[window])
    assert crops.label_maps.dtype == torch.int64


def test_crops_begin_where_they_are_asked_to(store: Store) -> None:
    starts = np.array([[3, 0], [-4, 12]])
    crops = read_crops(store, np.array([2, 5]), region=(24, 20), starts=starts)
    assert np.array_equal(crops.images[0], store.image(2)[:, 3:27, :20])
    edge = np.pad(store.image(5)[0, :20, 12:], ((4, 0), (0, 0)), mode="edge")
    assert np.array_equal(crops.images[1, 0], edge)


def test_without_chances_the_middle_is_read(store: Store) -> None:
    crops = read_crops(store, np.array([2]), region=(24, 20))
    assert np.array_equal(crops.images[0], store.image(2)[:, 4:28, 6:26])


def test_smaller_images_are_centred_their_edge_repeated_and_their_map_filled_up(
    store: Store,
) -> None:
    crops = read_crops(
        store,
        np.array([2]),
        region=(40, 16),
        chances=np.zeros((1, 2), dtype=np.float32),
        with_masks=True,
    )
    image, mask = store.image(2)[0, :, :16], store.mask(2)[:, :16]
    assert np.array_equal(crops.images[0, 0], np.pad(image, ((4, 4), (0, 0)), mode="edge"))
    assert np.array_equal(crops.label_maps[0], np.pad(mask, ((4, 4), (0, 0))))


def test_volumes_are_cut_on_all_three_axes(volumes_store: Path) -> None:
    store = Store.open(volumes_store)
    shape = store.shape(1)[1:]
    crops = read_crops(
        store,
        np.array([1]),
        region=(8, 12, 16),
        chances=np.array([[0.0, 0.5, 1.0]], dtype=np.float32),
    )
    middle = int(0.5 * (shape[1] - 12 + 1))
    expected = store.image(1)[:, :8, middle : middle + 12, shape[2] - 16 :]
    assert np.array_equal(crops.images[0], expected)


def test_no_images_are_refused(store: Store) -> None:
    with pytest.raises(DataError, match="at least one image, got none"):
        next(_batches(store, [0], rows=np.array([], dtype=np.int64)))


def test_a_fault_while_reading_ahead_reaches_the_loop(store: Store) -> None:
    with pytest.raises(IndexError):
        next(_batches(store, [0], rows=np.array([10_000])))
