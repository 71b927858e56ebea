"""msd: dataset.json of the Medical Segmentation Decathlon."""

from __future__ import annotations

import json

import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


@pytest.fixture
def write(source):
    def create(**changes):
        values = {
            "name": "Hippocampus",
            "modality": {"0": "MRI"},
            "numTraining": 2,
            "training": [
                {"image": "./imagesTr/h_1.nii.gz", "label": "./labelsTr/h_1.nii.gz"},
                {"image": "./imagesTr/h_2.nii.gz", "label": "./labelsTr/h_2.nii.gz"},
            ],
            "test": ["./imagesTs/h_3.nii.gz"],
        } | changes
        (source / "dataset.json").write_text(json.dumps(values))

    return create


@pytest.fixture
def files(touch):
    touch("imagesTr/h_1.nii.gz", "imagesTr/h_2.nii.gz", "imagesTs/h_3.nii.gz")
    return touch("labelsTr/h_1.nii.gz", "labelsTr/h_2.nii.gz")


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def test_training_pairs_and_test_images(source, files, write):
    write()
    layout, imported = take(source)
    assert layout == "msd"
    assert {r.key: r.mask and r.mask.paths for r in imported.records} == {
        "imagesTr/h_1.nii.gz": (files[0],),
        "imagesTr/h_2.nii.gz": (files[1],),
        "imagesTs/h_3.nii.gz": None,
    }
    assert {record.split for record in imported.records} == {None}
    assert {record.image.paths[0] for record in imported.records} == {
        source / record.key for record in imported.records
    }
    assert (imported.problems, imported.notes) == ((), ())


def test_the_list_counts_not_its_claim(source, files, write):
    write(numTraining=394)
    _, imported = take(source)
    assert len(imported.records) == 3
    assert imported.notes == ("dataset.json claims 394 training images, its list has 2.",)


def test_missing_files_are_problems(source, files, write):
    write(test=["imagesTs/h_3.nii.gz", "imagesTs/gone.nii.gz"])
    files[1].unlink()
    (source / "imagesTr/h_1.nii.gz").unlink()
    _, imported = take(source)
    assert {r.key: r.mask for r in imported.records} == {
        "imagesTr/h_2.nii.gz": None,
        "imagesTs/h_3.nii.gz": None,
    }
    assert {problem.key: problem.reason for problem in imported.problems} == {
        "labelsTr/h_1.nii.gz": "a listed image that is not there, training entry 1 of "
        "dataset.json.",
        "labelsTr/h_2.nii.gz": "a label map that is not there, training entry 2 of dataset.json.",
        "imagesTs/gone.nii.gz": "a listed image that is not there, test entry 2 of dataset.json.",
    }


def test_hidden_files_are_left_out_and_unlisted_images_unlabelled(source, files, write, touch):
    touch("imagesTr/._h_1.nii.gz", "imagesTs/._h_3.nii.gz", "imagesTr/h_9.nii.gz")
    write(test=["imagesTs/h_3.nii.gz", {"image": "imagesTs/._h_3.nii.gz"}])
    _, imported = take(source)
    assert [record.key for record in imported.records] == [
        "imagesTr/h_1.nii.gz",
        "imagesTr/h_2.nii.gz",
        "imagesTr/h_9.nii.gz",
        "imagesTs/h_3.nii.gz",
    ]
    assert imported.notes == (
        "1 image not listed: used as unlabelled.",
        "1 hidden file in the lists left out.",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test": ["./imagesTr/h_2.nii.gz"]}, "each image once, but test entry 1"),
        ({"test": ["../x.nii.gz"]}, "inside the source, but not so test entry 1"),
        (
            {"training": [{"image": "imagesTr/h_1.nii.gz", "label": "/etc/hosts"}]},
            "inside the source, but not so training entry 1",
        ),
        ({"training": [{"label": "a"}]}, "name an image in each entry, training entry 1"),
        ({"test": [3]}, "name an image in each entry, test entry 1"),
        ({"test": {}}, "a list 'training' .and 'test' a list"),
    ],
)
def test_a_faulty_list_is_refused(source, files, write, changes, words):
    write(**changes)
    with pytest.raises(DataError, match=words):
        take(source)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "readable JSON in UTF-8"),
        ("\udcff", "readable JSON in UTF-8"),
        ("[" * 100_000, "readable JSON in UTF-8"),
        ("[]", "must be a JSON object, got a list"),
    ],
)
def test_a_damaged_dataset_json_is_refused(source, files, content, words):
    (source / "dataset.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=words):
        take(source)
    assert take(source, "images")[0] == "images"


def test_a_huge_dataset_json_is_refused(source, files, write, monkeypatch):
    write()
    monkeypatch.setattr("anlage.data.importers._dataset_json._MAX_BYTES", 10)
    with pytest.raises(DataError, match="up to 10 bytes"):
        take(source)


def test_another_dataset_json_is_not_this_layout(source, touch):
    touch("a.png")
    (source / "dataset.json").write_text('{"name": "mine"}')
    assert take(source)[0] == "images"
    with pytest.raises(DataError, match=r"layout 'msd' needs a dataset.json"):
        take(source, "msd")


def test_options_that_need_a_table_are_refused(source, files, write):
    write()
    with pytest.raises(ConfigError, match="layout 'msd' has none, got 'volume'"):
        take(source, labels=("volume",))
