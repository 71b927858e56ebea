"""nnunet: raw data of nnU-Net 2."""

from __future__ import annotations

import json

import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


@pytest.fixture
def write(source):
    def create(**changes):
        values = {
            "channel_names": {"0": "T1", "1": "T2"},
            "labels": {"background": 0, "tumour": 1},
            "numTraining": 99,
            "file_ending": ".nii.gz",
        } | changes
        (source / "dataset.json").write_text(json.dumps(values))

    return create


@pytest.fixture
def files(touch):
    return touch(
        "imagesTr/case_1_0001.nii.gz",
        "imagesTr/case_1_0000.nii.gz",
        "imagesTr/case_2_0000.nii.gz",
        "imagesTr/case_2_0001.nii.gz",
        "labelsTr/case_1.nii.gz",
        "labelsTr/case_2.nii.gz",
        "imagesTs/case_3_0000.nii.gz",
        "imagesTs/case_3_0001.nii.gz",
    )


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def test_a_case_is_one_record_with_its_channels_in_order(source, files, write):
    write()
    layout, imported = take(source)
    assert layout == "nnunet"
    found = {
        r.key: ([p.name for p in r.image.paths], r.mask and r.mask.paths[0].name, r.split)
        for r in imported.records
    }
    assert found == {
        "imagesTr/case_1_0000.nii.gz": (
            ["case_1_0000.nii.gz", "case_1_0001.nii.gz"],
            "case_1.nii.gz",
            None,
        ),
        "imagesTr/case_2_0000.nii.gz": (
            ["case_2_0000.nii.gz", "case_2_0001.nii.gz"],
            "case_2.nii.gz",
            None,
        ),
        "imagesTs/case_3_0000.nii.gz": (
            ["case_3_0000.nii.gz", "case_3_0001.nii.gz"],
            None,
            None,
        ),
    }
    assert not any(record.image.is_series for record in imported.records)
    assert (imported.problems, imported.notes) == ((), ())


def test_labelled_test_cases_make_a_split(source, files, write, touch):
    write()
    touch("labelsTs/case_3.nii.gz")
    _, imported = take(source)
    assert [record.split for record in imported.records] == ["train", "train", "test"]
    assert imported.records[2].mask is not None


def test_what_does_not_pair_is_reported(source, files, write, touch):
    write()
    (source / "imagesTr/case_2_0001.nii.gz").unlink()
    (source / "labelsTr/case_1.nii.gz").unlink()
    touch("labelsTr/case_7.nii.gz", "imagesTr/notes.txt", "imagesTr/._case_1_0000.nii.gz")
    _, imported = take(source)
    assert [record.key for record in imported.records] == [
        "imagesTr/case_1_0000.nii.gz",
        "imagesTs/case_3_0000.nii.gz",
    ]
    assert {problem.key: problem.reason for problem in imported.problems} == {
        "imagesTr/case_2_0000.nii.gz": "an incomplete case, 1 of 2 channels are there.",
        "labelsTr/case_1.nii.gz": "a label map that is not there, its image is used without it.",
        "labelsTr/case_7.nii.gz": "labels without an image, its case has no channel files.",
    }
    assert imported.notes == ("1 file not named as a channel left out.",)


def test_channels_that_the_json_does_not_know_are_refused(source, files, write):
    write(channel_names={"0": "T1"})
    with pytest.raises(DataError, match=r"none was found .layout nnunet; 3 problems"):
        take(source)


def test_the_file_ending_counts(source, write, touch):
    touch("imagesTr/a_0000.png", "imagesTr/a_0000_png", "labelsTr/a.png")
    write(channel_names={"0": "grey"}, file_ending=".png")
    (record,) = take(source)[1].records
    assert record.key == "imagesTr/a_0000.png"
    assert record.mask is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file_ending": None}, "'channel_names' .a mapping. and 'file_ending'"),
        ({"channel_names": []}, "'channel_names' .a mapping. and 'file_ending'"),
        ({"dataset": {}}, "may not list files elsewhere"),
    ],
)
def test_a_faulty_dataset_json_is_refused(source, files, write, changes, words):
    write(**changes)
    with pytest.raises(DataError, match=words):
        take(source)


def test_a_training_list_beside_channel_names_is_still_nnunet(source, files, write):
    write(training=[])
    assert take(source)[0] == "nnunet"


def test_options_that_need_a_table_are_refused(source, files, write):
    write()
    with pytest.raises(ConfigError, match="site_column can be used only with a table"):
        take(source, site_column="site")
