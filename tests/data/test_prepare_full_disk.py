"""A disk that is full or cannot be written costs nothing that was stored."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from anlage.data import _whole_file
from anlage.data._writer import StoreWriter
from anlage.data.prepare import Prepared, prepare
from anlage.errors import DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_while_images_are_stored_is_said_and_can_be_made_good(
    files: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = StoreWriter._append, []

    def fills_up(self, kind, array):
        calls.append(kind)
        if len(calls) > 9:
            file = self._file(f"{kind}-0000.bin")
            file.write(array.tobytes()[:100])
            raise FULL
        return real(self, kind, array)

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "_append", fills_up)
        with pytest.raises(DataError, match=r"No space left on device.*goes on from here") as error:
            run(files, out)
    assert str(tmp_path) not in str(error.value)
    assert not (out / "store.json").exists()
    found = run(files, out)
    assert (found.new, found.stored) == (4, 8)
    run(files, tmp_path / "once")
    assert content(out) == content(tmp_path / "once")


@pytest.mark.parametrize(
    "name", ["settings.json", "quarantine.csv", "index.parquet", "default.csv", "store.json"]
)
def test_a_full_disk_at_any_file_leaves_no_half_of_it(
    files: Path, out: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    with monkeypatch.context() as patch:

        def fails(handle: int) -> None:
            if Path(f"/proc/self/fd/{handle}").readlink().name == f".{name}.tmp":
                raise FULL
            real(handle)

        patch.setattr(_whole_file.os, "fsync", fails)
        with pytest.raises(DataError, match="No space left on device"):
            run(files, out)
    assert not list(out.rglob(f"*{name}*"))
    assert not list(out.rglob("*.tmp"))
    run(files, out)
    run(files, tmp_path / "once")
    assert content(out) == content(tmp_path / "once")


def test_a_folder_that_cannot_be_written_is_said(files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="must be a writable folder"):
        run(files, tmp_path / "file" / "store")
