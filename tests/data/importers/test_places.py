"""_places: which file a written path means, and that none leaves the source."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from anlage.data.importers._places import Places, entries, exists
from anlage.errors import DataError


def places(source: Path, folder: str = ".") -> Places:
    return Places.of(source, source / folder / "labels.csv")


def test_the_tables_folder_comes_before_the_root(source, touch):
    at_root, beside = touch("a.png", "tables/a.png")
    assert places(source, "tables").find("a.png") == beside
    assert places(source).find("a.png") == at_root
    beside.unlink()
    assert places(source, "tables").find("a.png") == at_root


def test_a_table_outside_the_source_may_name_paths_from_its_own_folder(source, touch, tmp_path):
    (image,) = touch("a.png")
    outside = Places.of(source, tmp_path / "labels.csv")
    assert outside.find("source/a.png") == image
    assert outside.find("a.png") == image


@pytest.mark.parametrize("written", ["../a.png", "x/../../a.png", "/etc/passwd", "../source2/a"])
def test_a_path_that_leaves_the_source_is_none(source, written):
    assert places(source).find(written) is None


def test_an_absolute_or_winding_path_inside_is_fine(source, touch):
    (image,) = touch("a/b.png")
    assert places(source).find(str(image)) == image
    assert places(source).find("a/../a/./b.png") == image
    assert places(source, "tables").find("../a/b.png") == image


def test_what_is_missing_is_placed_inside(source):
    assert places(source, "tables").find("b.png") == source / "tables" / "b.png"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.png", " a.png "),
        ("x/a.png", "x\\a.png"),
        (unicodedata.normalize("NFD", "é.png"), unicodedata.normalize("NFC", "é.png")),
        (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")),
        (" a.png", " a.png"),
        ("a\\b.png", "a\\b.png"),
    ],
)
def test_other_spellings_are_tried_after_the_written_one(source, touch, name, written):
    (image,) = touch(name)
    assert places(source).find(written) == image


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_cannot_be_is_not_there(source, name):
    assert not exists(source / name)
    assert places(source).find(name) is not None


def test_entries_are_sorted_visible_and_faults_named(source, touch, monkeypatch):
    touch("b", "a", ".hidden", "__MACOSX/x")
    assert [path.name for path in entries(source)] == ["a", "b"]

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="the system says: Permission denied"):
        entries(source)
