"""A file is written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from anlage.data import _whole_file
from anlage.data._whole_file import write_whole, writing
from anlage.errors import DataError


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a much longer old text")
    write_whole(path, "\u00fc")
    assert path.read_bytes() == b"\xc3\xbc"
    write_whole(path, b"\x00")
    assert path.read_bytes() == b"\x00"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_whole_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_of_the_disk_is_said_without_a_path(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"the store must be writable.*Is a directory") as caught,
        writing("the store"),
    ):
        write_whole(tmp_path, "new")
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(DataError, match=r"failed \(OSError\)"), writing("the store"):
        raise OSError


def test_other_faults_pass(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writing("the store"):
        raise KeyError("x")
