"""Verify finds every damaged byte, in whichever shard, and says whose it was."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.data.verify import Damage, verify
from anlage.errors import DataError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, write_source) -> Path:
    folder = tmp_path_factory.mktemp("made")
    files = write_source(folder / "files", with_masks=True)
    return prepare(files, out=folder / "store", patient="patient", workers=0).store


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


def flip(shard: Path, place: int) -> None:
    with shard.open("r+b") as file:
        file.seek(place)
        (value,) = file.read(1)
        file.seek(place)
        file.write(bytes([value ^ 1]))


def test_a_whole_store_has_no_damage(made: Path) -> None:
    assert verify(made) == []


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("within", [0, -1])
def test_a_flipped_bit_names_its_image(copy: Path, kind: str, within: int) -> None:
    store = Store.open(copy)
    place = store.places[kind == "masks"][3]
    assert place is not None
    flip(copy / "shards" / place.shard, place.offset if within == 0 else place.end - 1)
    assert verify(copy) == [
        Damage(
            shard=f"{kind}-0000.bin", reason="bytes changed, or cannot be read", ids=(store.ids[3],)
        )
    ]


def test_what_a_cut_shard_still_holds_is_not_lost(copy: Path) -> None:
    store = Store.open(copy)
    shard = copy / "shards" / "images-0000.bin"
    whole = shard.stat().st_size
    os.truncate(shard, store.places[0][6].offset + 5)
    (damage,) = verify(copy)
    held = store.places[0][6].offset + 5
    assert damage.reason == f"cut off, {held:,} of {whole:,} bytes are there"
    assert damage.ids == tuple(store.ids[6:])


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_missing_or_empty_shard_loses_all_its_images(
    copy: Path, kind: str, is_there: bool
) -> None:
    ids = tuple(Store.open(copy).ids)
    shard = copy / "shards" / f"{kind}-0000.bin"
    shard.write_bytes(b"") if is_there else shard.unlink()
    assert verify(copy) == [Damage(shard=shard.name, reason="missing or empty", ids=ids)]


def test_a_disk_that_cannot_be_read_is_damage(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple(Store.open(copy).ids)
    real = Path.open

    def failing(path: Path, *given, **options):
        if path.name == "masks-0000.bin":
            raise OSError(errno.EIO, "Input/output error")
        return real(path, *given, **options)

    monkeypatch.setattr(Path, "open", failing)
    (damage,) = verify(copy)
    assert (damage.shard, damage.ids) == ("masks-0000.bin", ids)
    assert damage.reason.endswith("cannot be read")


def test_every_damaged_shard_is_listed(copy: Path) -> None:
    flip(copy / "shards" / "images-0000.bin", 0)
    (copy / "shards" / "masks-0000.bin").unlink()
    assert [damage.shard for damage in verify(copy)] == ["images-0000.bin", "masks-0000.bin"]


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no store\.json"):
        verify(tmp_path)
