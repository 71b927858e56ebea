"""Zip files are opened only if their end record is sound."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from anlage.data._zip_file import open_zip
from anlage.errors import DataError


def test_open_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(4):
            archive.writestr(f"{index}.txt", b"data")
    with open_zip(path, max_entries=4) as archive:
        assert len(archive.infolist()) == 4
    with pytest.raises(DataError, match="up to 3 entries"):
        open_zip(path, max_entries=3)
    for content in (b"", b"PK\x03\x04 and nothing else", b"PK\x05\x06 short"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="a zip file must be readable"):
            open_zip(path, max_entries=3)
    with pytest.raises(DataError, match="a zip file must be readable"):
        open_zip(tmp_path / "gone.zip", max_entries=3)
