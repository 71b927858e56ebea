"""The journal is the truth: whatever it names is whole, whenever the writer was stopped."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from anlage.data import _writer
from anlage.data._writer import JOURNAL, StoreWriter, read_journal

IMAGES = {f"i{n}": np.full((1, 3, 5), n, np.int16) for n in range(6)}


def fill(root: Path, names: list[str], masks: bool = True) -> None:
    with StoreWriter(root) as writer:
        for name in names:
            mask = np.full((3, 5), 9, np.uint8) if masks else None
            writer.add({"id": name}, IMAGES[name], mask)


def stored(root: Path, row: dict) -> np.ndarray:
    data = (root / "shards" / row["shard"]).read_bytes()
    piece = data[row["offset"] : row["offset"] + row["bytes"]]
    return np.frombuffer(piece, np.int16).reshape(1, 3, 5)


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_rows_point_to_their_pixels_at_aligned_places(tmp_path: Path) -> None:
    fill(tmp_path, list(IMAGES))
    rows = read_journal(tmp_path)
    assert list(rows) == list(IMAGES)
    for name, row in rows.items():
        np.testing.assert_array_equal(stored(tmp_path, row), IMAGES[name])
        assert row["offset"] % 64 == row["mask_offset"] % 64 == 0
        assert (row["mask_dtype"], row["mask_bytes"]) == ("uint8", 15)


def test_an_image_without_a_label_map_names_none(tmp_path: Path) -> None:
    fill(tmp_path, ["i0"], masks=False)
    assert "mask_shard" not in read_journal(tmp_path)["i0"]


def test_shards_end_at_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_writer, "_SHARD_BYTES", 70)
    fill(tmp_path, list(IMAGES))
    rows = read_journal(tmp_path)
    assert [row["shard"][7:11] for row in rows.values()] == [
        *["0000"] * 2,
        *["0001"] * 2,
        *["0002"] * 2,
    ]
    for name, row in rows.items():
        np.testing.assert_array_equal(stored(tmp_path, row), IMAGES[name])


def test_going_on_gives_the_bytes_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_writer, "_SHARD_BYTES", 70)
    fill(tmp_path / "once", list(IMAGES))
    for name in IMAGES:
        fill(tmp_path / "often", [name])
    assert content(tmp_path / "once") == content(tmp_path / "often")


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_a_half_written_line_and_the_pixels_behind_it_count_as_not_stored(
    tmp_path: Path, kept: int
) -> None:
    """Also when only the end of the line is missing, so that it reads as whole."""
    fill(tmp_path / "once", ["i0", "i1", "i2"])
    root = tmp_path / "cut"
    fill(root, ["i0", "i1"])
    journal = (root / JOURNAL).read_bytes()
    first = journal.index(b"\n") + 1
    (root / JOURNAL).write_bytes(journal[: first + kept] if kept >= 0 else journal[:-1])
    assert list(read_journal(root)) == ["i0"]
    fill(root, ["i1", "i2"])
    assert content(root) == content(tmp_path / "once")


def test_pixels_without_a_row_are_cut_off(tmp_path: Path) -> None:
    fill(tmp_path / "once", ["i0", "i1"])
    root = tmp_path / "cut"
    fill(root, ["i0"])
    for shard in (root / "shards").iterdir():
        with shard.open("ab") as file:
            file.write(b"half an image")
    fill(root, ["i1"])
    assert content(root) == content(tmp_path / "once")


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("held", [0, 63, 64 * 2 + 14, None])
def test_images_whose_pixels_were_lost_are_stored_again(
    tmp_path: Path, kind: str, held: int | None
) -> None:
    """A power cut may leave a shard shorter than the journal says, or without its file."""
    fill(tmp_path / "once", list(IMAGES))
    root = tmp_path / "cut"
    fill(root, list(IMAGES)[:5])
    shard = root / "shards" / f"{kind}-0000.bin"
    if held is None:
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:held])
    whole = list(IMAGES)[: {0: 0, 63: 1, 64 * 2 + 14: 2, None: 0}[held]]
    assert list(read_journal(root)) == whole
    fill(root, [])  # a stop before anything is stored again
    assert list(read_journal(root)) == whole
    fill(root, list(IMAGES)[len(whole) :])
    assert content(root) == content(tmp_path / "once")


@pytest.mark.parametrize("line", [b"{half", b"\xff\xfe", b"3", b'"i1"', b"{}", b"null"])
def test_a_damaged_line_costs_only_its_own_image(tmp_path: Path, line: bytes) -> None:
    fill(tmp_path, ["i0", "i1", "i2"])
    lines = (tmp_path / JOURNAL).read_bytes().splitlines()
    (tmp_path / JOURNAL).write_bytes(b"\n".join([lines[0], line, lines[2], b""]))
    assert list(read_journal(tmp_path)) == ["i0", "i2"]


def test_the_last_row_of_an_image_counts(tmp_path: Path) -> None:
    fill(tmp_path, ["i0"])
    fill(tmp_path, ["i0"])
    assert len((tmp_path / JOURNAL).read_text().splitlines()) == 2
    assert read_journal(tmp_path)["i0"]["offset"] == 64


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert read_journal(tmp_path) == {}


@pytest.mark.parametrize("broken", ["pixels", "journal"])
def test_a_full_disk_leaves_what_was_whole(
    tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes out as it is, and the same images can be stored afterwards."""

    class Full:
        def __init__(self, file) -> None:
            self._file = file

        def write(self, data) -> int:
            self._file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name: str):
            return getattr(self._file, name)

    fill(tmp_path / "once", ["i0", "i1"])
    root = tmp_path / "full"

    def store_two() -> None:
        with StoreWriter(root) as writer:
            writer.add({"id": "i0"}, IMAGES["i0"], np.full((3, 5), 9, np.uint8))
            if broken == "journal":
                writer._journal = Full(writer._journal)
            else:
                writer._open["images-0000.bin"] = Full(writer._open["images-0000.bin"])
            writer.add({"id": "i1"}, IMAGES["i1"], np.full((3, 5), 9, np.uint8))

    with pytest.raises(OSError, match="No space left"):
        store_two()
    assert list(read_journal(root)) == ["i0"]
    fill(root, ["i1"])
    assert content(root) == content(tmp_path / "once")


def test_a_disk_that_fails_while_closing_is_no_second_error(tmp_path: Path) -> None:

    def store_and_stop() -> None:
        with StoreWriter(tmp_path) as writer:
            writer.add({"id": "i0"}, IMAGES["i0"], None)
            for file in writer._open.values():
                file.close()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_and_stop()
    assert list(read_journal(tmp_path)) == ["i0"]


def test_rows_are_plain_json(tmp_path: Path) -> None:
    fill(tmp_path, ["i0"])
    row = json.loads((tmp_path / JOURNAL).read_text())
    assert row["id"] == "i0"
