"""Reading a store: the right pixels, and clear words when it is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anlage.config import fingerprint
from anlage.data.prepare import prepare
from anlage.data.store import Store, StoreMeta
from anlage.errors import ConfigError, DataError, ShapeError

AFFINE = np.diag([2.0, 1.0, 0.5, 1.0])


@pytest.fixture(scope="module", params=[2, 3])
def made(request, tmp_path_factory: pytest.TempPathFactory, write_source) -> Path:
    folder = tmp_path_factory.mktemp("made")
    shape = (40, 30) if request.param == 2 else (20, 24, 12)
    files = write_source(folder / "files", shape=shape, affine=AFFINE, with_masks=True)
    out = folder / "store"
    prepare(files, out=out, label=["grade"], patient="patient", workers=0)
    return out


@pytest.fixture(scope="module")
def store(made: Path) -> Store:
    return Store.open(made)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


def test_crops_equal_slices_of_the_whole_image(store: Store) -> None:
    rng = np.random.default_rng(0)
    for row in range(len(store)):
        channels, *space = store.shape(row)
        shape = tuple(int(rng.integers(1, edge + 1)) for edge in space)
        start = [
            int(rng.integers(0, edge - length + 1))
            for edge, length in zip(space, shape, strict=True)
        ]
        window = tuple(slice(b, b + n) for b, n in zip(start, shape, strict=True))
        out = np.empty((channels, *shape), store.meta.dtype)
        store.crop(row, start, shape, out)
        np.testing.assert_array_equal(out, store.image(row)[(slice(None), *window)])
        labels = np.full(shape, 5, np.int16)
        store.crop_mask(row, start, shape, labels)
        mask = store.mask(row)
        assert mask is not None
        np.testing.assert_array_equal(labels, mask[window])


def test_a_crop_beyond_the_edge_repeats_it_and_has_no_label(store: Store) -> None:
    channels, *space = store.shape(0)
    shape = tuple(edge + 4 for edge in space)
    out = np.empty((channels, *shape), store.meta.dtype)
    store.crop(0, [-2] * len(space), shape, out)
    sides = [(0, 0), *[(2, 2)] * len(space)]
    np.testing.assert_array_equal(out, np.pad(store.image(0), sides, mode="edge"))
    labels = np.ones(shape, np.int16)
    store.crop_mask(0, [-2] * len(space), shape, labels)
    mask = store.mask(0)
    assert mask is not None
    np.testing.assert_array_equal(labels, np.pad(mask, sides[1:]))
    with pytest.raises(ShapeError, match="must touch its image"):
        store.crop(0, [1000] * len(space), shape, out)


def test_images_cannot_be_written(store: Store) -> None:
    with pytest.raises(ValueError, match="read-only"):
        store.image(0)[:] = 0


def test_what_is_known_of_each_row(store: Store) -> None:
    assert len(store) == len(store.ids) == len(set(store.ids)) == 8
    assert len(set(store.patients.tolist())) == 8
    assert store.has_mask.all()
    assert store.label_names == ["grade"]
    assert sorted(map(str, store.labels("grade"))) == ["high"] * 4 + ["low"] * 4
    expected = (2.0, 1.0, 0.5) if store.meta.dims == 3 else (1.0, 1.0)
    np.testing.assert_allclose(store.spacing_mm, [expected] * 8)


def _with_index(root: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Store:
    change(pl.read_parquet(root / "index.parquet")).write_parquet(root / "index.parquet")
    card = json.loads((root / "store.json").read_text())
    (root / "store.json").write_text(json.dumps(card | {"index_sha256": None}))
    return Store.open(root)


def test_whether_spacing_was_stated_is_known_of_each_row(store: Store) -> None:
    stated = store.spacing_stated
    assert stated is not None
    assert stated.dtype == np.bool_
    assert stated.tolist() == [store.meta.dims == 3] * 8  # pictures state none


def test_an_older_store_does_not_say_whether_spacing_was_stated(store: Store, copy: Path) -> None:
    gap = pl.Series("spacing_stated", [None, *[True] * 7])
    for change in (
        lambda index: index.with_columns(gap),
        lambda index: index.drop("spacing_stated"),
    ):
        older = _with_index(copy, change)
        assert older.spacing_stated is None
        assert older.fingerprint == store.fingerprint
        np.testing.assert_array_equal(older.spacing_mm, store.spacing_mm)


def test_a_label_that_is_not_there_names_the_nearest(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"has: grade\. Did you mean 'grade'\?$"):
        store.labels("grad")


def test_a_label_unlike_any_other_may_be_a_column_that_was_not_kept(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"has: grade\. If .* prepare with --label sex too\.$"):
        store.labels("sex")


def test_the_fingerprint_follows_content_only(made: Path, copy: Path) -> None:
    assert Store.open(copy).fingerprint == Store.open(made).fingerprint
    assert len(Store.open(copy).fingerprint) == 16
    for column in ("sha256", "mask_sha256", "label:grade", "id"):
        other = Store.open(copy)
        other.index = other.index.with_columns(other.index[column].reverse())
        assert other.fingerprint != Store.open(made).fingerprint, column
    other = Store.open(copy)
    other.meta = other.meta.model_copy(update={"notes": ("a caveat",)})
    assert other.fingerprint == Store.open(made).fingerprint
    other = Store.open(copy)
    other.meta = other.meta.model_copy(update={"source": "0"})
    assert other.fingerprint != Store.open(made).fingerprint


def test_a_folder_without_a_card_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no store\.json"):
        Store.open(tmp_path)


def test_a_store_without_an_index_is_not_finished(copy: Path) -> None:
    (copy / "index.parquet").unlink()
    with pytest.raises(DataError, match=r"is not finished.*Run the same"):
        Store.open(copy)


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_a_store_of_another_version_is_refused(copy: Path, version: object) -> None:
    card = json.loads((copy / "store.json").read_text())
    (copy / "store.json").write_text(json.dumps(card | {"format_version": version}))
    with pytest.raises(DataError, match=rf"reads stores of version 1, .* has version {version}"):
        Store.open(copy)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"format_version": 1}'])
def test_a_damaged_card_is_named(copy: Path, content: bytes) -> None:
    (copy / "store.json").write_bytes(content)
    with pytest.raises(DataError, match=r"store\.json is damaged|version None"):
        Store.open(copy)


def test_a_card_of_before_caveats_and_hashes_is_read(copy: Path) -> None:
    card = json.loads((copy / "store.json").read_text())
    del card["notes"], card["index_sha256"]
    (copy / "store.json").write_text(json.dumps(card))
    assert Store.open(copy).meta.notes == ()


def _truncated(shard: Path) -> None:
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 1)


@pytest.mark.parametrize("shard", ["images-0000.bin", "masks-0000.bin"])
@pytest.mark.parametrize("damage", [_truncated, Path.unlink])
def test_a_shard_that_is_short_or_gone_is_named_at_once(
    copy: Path, shard: str, damage: Callable[[Path], None]
) -> None:
    damage(copy / "shards" / shard)
    with pytest.raises(DataError, match=rf"{shard} must hold .* bytes, it holds"):
        Store.open(copy)


@pytest.mark.parametrize("has_hash", [True, False])
def test_a_damaged_index_is_named(copy: Path, has_hash: bool) -> None:
    if not has_hash:
        card = json.loads((copy / "store.json").read_text())
        (copy / "store.json").write_text(json.dumps(card | {"index_sha256": None}))
    content = (copy / "index.parquet").read_bytes()
    (copy / "index.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"index.parquet must be .*Run the same"):
        Store.open(copy)


def test_one_flipped_bit_in_the_index_is_seen(copy: Path) -> None:
    content = bytearray((copy / "index.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "index.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"index\.parquet must be as store\.json says"):
        Store.open(copy)


def test_what_255_means_is_part_of_the_fingerprint_only_where_it_is_class_1(made: Path) -> None:
    store = Store.open(made)
    white = store.meta.model_copy(update={"label_maps": "black_white"})
    assert Store(made, white, store.index).fingerprint != store.fingerprint
    words = store.meta.model_copy(update={"label_maps_because": "we looked"})
    assert Store(made, words, store.index).fingerprint == store.fingerprint
    card = json.loads((made / "store.json").read_text())
    older = {name: card[name] for name in card if not name.startswith("label_maps")}
    meta = {name: older[name] for name in older if name not in {"notes", "index_sha256"}}
    rows = store.index.select("id", "sha256", "mask_sha256", "label:grade").write_csv()
    assert store.fingerprint == fingerprint({"meta": meta, "rows": rows})


def test_settings_of_a_store_refuse_what_they_do_not_know(store: Store) -> None:
    with pytest.raises(ValueError, match="colour"):
        StoreMeta.model_validate(store.meta.model_dump() | {"colour": 1})
