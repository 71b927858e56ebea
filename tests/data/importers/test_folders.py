"""folders: the folder is the class, if it looks like one."""

from __future__ import annotations

from collections import Counter

import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def test_the_folder_is_the_label(source, touch):
    touch("benign/1.png", "benign/2.jpg", "malignant/1.png", "malignant/2.png")
    layout, imported = take(source)
    assert layout == "folders"
    assert {record.key: dict(record.labels) for record in imported.records} == {
        "benign/1.png": {"label": "benign"},
        "benign/2.jpg": {"label": "benign"},
        "malignant/1.png": {"label": "malignant"},
        "malignant/2.png": {"label": "malignant"},
    }
    assert {record.split for record in imported.records} == {None}
    assert len(imported.notes) == 1
    assert "2 folders are taken as label 'label'" in imported.notes[0]
    assert "layout 'images'" in imported.notes[0]


def test_folders_of_parts_become_the_split(source, touch):
    touch("Training/a/1.png", "Training/b/2.png", "val/a/3.png", "test/b/4.png", "test/b/5.png")
    _, imported = take(source)
    found = {r.key: (r.labels["label"], r.split) for r in imported.records}
    assert found == {
        "Training/a/1.png": ("a", "train"),
        "Training/b/2.png": ("b", "train"),
        "val/a/3.png": ("a", "val"),
        "test/b/4.png": ("b", "test"),
        "test/b/5.png": ("b", "test"),
    }
    assert "Folders train, val and test are taken as the split." in imported.notes


def test_label_maps_and_other_files_are_left_out_with_a_note(source, touch):
    touch("benign/1.png", "benign/1_mask.png", "benign/2.png", "a/1.png", "a/2.png", "readme.txt")
    layout, imported = take(source)
    assert layout == "folders"
    assert Counter(record.labels["label"] for record in imported.records) == {"benign": 2, "a": 2}
    assert any("2 files left out" in note for note in imported.notes)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a/1.png", "a/2.png", "x.txt"], "2 to 50 such folders, got 1"),
        ([f"c{c}/{i}.png" for c in range(51) for i in range(2)], "got 51"),
        (["a/1.png", "a/2.png", "b/1.png"], "at least 2 images"),
        (["a/1.png", "a/2.png", "b/1.png", "b/2.png", "3.png"], "higher or deeper"),
        (["a/1.png", "a/2.png", "b/x/1.png", "b/x/2.png"], "higher or deeper"),
        (["train/1.png", "train/2.png", "test/1.png", "test/2.png"], "higher or deeper"),
        (["train/a/1.png", "train/a/2.png", "b/1.png", "b/2.png"], "only some lie below train"),
        (["images/1.png", "images/2.png", "masks/1.png", "masks/2.png"], "images or label maps"),
        (["images/1.png", "images/2.png", "data/1.png", "data/2.png"], "images or label maps"),
        (["P01/1.png", "P01/2.png", "P02/1.png", "P02/2.png"], "end in a number"),
    ],
)
def test_what_does_not_look_like_classes(source, touch, names, words):
    touch(*names)
    assert take(source)[0] == "images"
    with pytest.raises(DataError, match=words):
        take(source, "folders")


def test_grades_and_one_digit_classes_are_classes(source, touch):
    touch("0/1.png", "0/2.png", "1/1.png", "1/2.png")
    assert take(source)[0] == "folders"
    touch("grade10/1.png", "grade10/2.png")
    assert take(source)[0] == "folders"


def test_the_label_may_be_named_but_no_other(source, touch):
    touch("a/1.png", "a/2.png", "b/1.png", "b/2.png")
    assert take(source, labels=("label",)) == take(source)
    with pytest.raises(ConfigError, match=r"layout 'folders' has 'label', got 'lable'. Did you me"):
        take(source, labels=("lable",))
    with pytest.raises(ConfigError, match="split_column can be used only with a table"):
        take(source, split_column="part")
