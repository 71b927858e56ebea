"""The room: which importer is asked when, what holds for all, and that no message names anyone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anlage.data.importers import ImportOptions, find_importer, import_records
from anlage.errors import AnlageError, ConfigError, DataError
from anlage.plugins import available, load

LAYOUTS = available("data/importers")


def test_ranks_are_distinct_and_in_the_stated_order():
    ranked = sorted(LAYOUTS, key=lambda name: load("data/importers", name).rank)
    assert ranked == [
        "manifest",
        "msd",
        "nnunet",
        "medmnist",
        "dicom_tree",
        "folders",
        "images",
    ]
    assert len({load("data/importers", name).rank for name in LAYOUTS}) == len(LAYOUTS)


def test_each_layout_gives_way_to_the_surer_one(source, touch, table, dicom):
    touch("c/3.png")
    assert find_importer(source, ImportOptions())[0] == "images"
    touch("a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/4.png")
    assert find_importer(source, ImportOptions())[0] == "folders"
    for index in range(6):
        dicom(f"d/{index}", instance=f"1.{index}", position=index)
    assert find_importer(source, ImportOptions())[0] == "dicom_tree"
    touch("imagesTr/x_0000.png")
    (source / "dataset.json").write_text('{"channel_names": {"0": "a"}, "file_ending": ".png"}')
    assert find_importer(source, ImportOptions())[0] == "nnunet"
    (source / "dataset.json").write_text('{"training": ["a/1.png"]}')
    assert find_importer(source, ImportOptions())[0] == "msd"
    table("image\na/1.png\n")
    assert find_importer(source, ImportOptions())[0] == "manifest"
    for name in LAYOUTS:
        assert find_importer(source, ImportOptions(), name)[0] == name


def test_an_unknown_layout_names_the_nearest(source):
    with pytest.raises(ConfigError, match=r"there is no importer 'folder'. Did you mean 'folders'"):
        find_importer(source, ImportOptions(), "folder")


def test_a_source_that_is_not_there_or_another_file(source, touch):
    with pytest.raises(ConfigError, match=r"there is nothing at .*none"):
        import_records(source / "none", ImportOptions())
    for name in ("a.zip", "a.csv", "a.png"):
        (path,) = touch(name)
        with pytest.raises(ConfigError, match="a file that layout 'auto' does not take"):
            import_records(path, ImportOptions())
    for name in LAYOUTS:
        with pytest.raises(ConfigError, match=f"a file that layout '{name}' does not take"):
            import_records(path, ImportOptions(), name)


@pytest.mark.parametrize("layout", ["auto", *LAYOUTS])
def test_an_empty_folder_is_refused_by_all(source, layout):
    with pytest.raises(AnlageError, match=r"none was found|needs"):
        import_records(source, ImportOptions(), layout)


def test_a_folder_around_everything_is_seen_through_but_kept_in_keys(source, touch, table):
    touch("top/inner/images/a.png", "__MACOSX/x", ".DS_Store")
    table("image,y\nimages/a.png,1\nimages/b.png,2\n", "top/inner/labels.csv")
    layout, imported = import_records(source, ImportOptions(labels=("y",)))
    assert layout == "manifest"
    (record,) = imported.records
    assert record.key == "top/inner/images/a.png"
    assert record.labels["y"] == 1
    assert [problem.key for problem in imported.problems] == ["top/inner/images/b.png"]


def test_records_are_sorted_and_absolute_and_alike_from_run_to_run(source, touch, monkeypatch):
    touch("b.png", "a/z.png", "a.png", "C.png")
    _, imported = import_records(source, ImportOptions())
    assert [record.key for record in imported.records] == ["C.png", "a.png", "a/z.png", "b.png"]
    monkeypatch.chdir(source.parent)
    assert import_records(Path("source"), ImportOptions())[1] == imported
    assert import_records(Path("source/../source"), ImportOptions())[1] == imported


WHO = "jane_doe"
TABLES = [
    "image,y\n{who}.png,1\n{who}.png,2\n",
    "image,y\n{who}.png,1\n{who}2.png,{who}\n",
    "image,y\n../{who}.png,1\n",
    "image,y\n{who}\n",
    "image,y\n{who}9.png,1\n",
    "image,z\n{who}.png,1\n",
    "image,mask,y\n{who}.png,{who}_mask.png,1\n{who}3.png,,2\n,{who}.nii,2\n",
    "image,y,x0,y0,x1,y1\n{who}.png,1,{who},2,3,4\n",
    "image,y,x0,y0,x1,y1\n{who}.png,1,1,2,1,4\n",
]


@pytest.mark.parametrize("text", TABLES)
def test_no_message_names_a_file_or_patient(source, touch, table, text):
    touch(f"{WHO}.png", f"{WHO}2.png")
    table(text.format(who=WHO))
    check_silence(source, ImportOptions(labels=("y",)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_layout_names_a_file_or_patient(source, touch, dicom, layout):
    touch(f"{WHO}.png", f"{WHO}/{WHO}_mask.png", f"{WHO}.txt", f"{WHO}.dcm")
    dicom(f"{WHO}_dicom/1", instance="1.1", patient=WHO)
    dicom(f"{WHO}_dicom/2", instance="1.1", patient=WHO)
    (source / f"{WHO}_loop").symlink_to(source)
    values = {"training": [f"{WHO}.png", f"{WHO}9.png"], "test": [f"../{WHO}"]}
    (source / "dataset.json").write_text(json.dumps(values))
    np.savez(source / f"{WHO}.npz", train_images=np.zeros((2, 2, 2)))
    check_silence(source, ImportOptions(), layout)


def check_silence(source, options, layout="auto"):
    try:
        _, imported = import_records(source, options, layout)
    except AnlageError as error:
        said = [str(error)]
    else:
        said = [*imported.notes, *(problem.reason for problem in imported.problems)]
    assert WHO not in "\n".join(said).lower()
    assert str(source) not in "\n".join(said)


def test_a_key_that_comes_twice_is_a_bug(source, touch, monkeypatch):
    touch("a.png")
    kind = load("data/importers", "images")
    real = kind.records

    def twice(self, root, options):
        found = real(self, root, options)
        return replace(found, records=found.records * 2)

    monkeypatch.setattr(kind, "records", twice)
    with pytest.raises(AssertionError, match="images repeats a key"):
        import_records(source, ImportOptions())


def test_an_unreadable_source_is_refused(source, touch, monkeypatch):
    touch("a.png")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="the system says: Permission denied"):
        import_records(source, ImportOptions())
