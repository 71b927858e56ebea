"""dicom_tree: series and single files in folders of any shape."""

from __future__ import annotations

import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def two_series(dicom):
    for index in (2, 0, 1):
        dicom(f"a/IM{index}", instance=f"1.{index}", position=index, patient=" p 1 ")
        dicom(f"b/c/{index}.IMA", series="1.2.4", instance=f"2.{index}", position=index)


def test_a_record_per_series_multiframe_file_and_picture(source, dicom):
    two_series(dicom)
    dicom("cine.dcm", series="1.2.5", instance="3.1", frames=3, position=None, modality="US")
    dicom("x/1.2.840.5", series="1.2.6", instance="4.1", position=None, modality="DX")
    dicom("x/1.2.840.6", series="1.2.6", instance="4.2", position=None, modality="DX")
    dicom("one", series="1.2.7", instance="5.1")
    layout, imported = take(source)
    assert layout == "dicom_tree"
    shapes = {r.key: (len(r.image.paths), r.image.is_series) for r in imported.records}
    assert shapes == {
        "a/IM0": (3, True),
        "b/c/0.IMA": (3, True),
        "cine.dcm": (1, False),
        "one": (1, False),
        "x/1.2.840.5": (1, False),
        "x/1.2.840.6": (1, False),
    }
    assert imported.problems == ()


def test_the_patient_is_the_id_as_written(source, dicom):
    dicom("a", instance="1.1", patient="Doe^Jane")
    dicom("b", series="1.2.4", instance="1.2", patient=None)
    _, imported = take(source)
    assert [record.patient for record in imported.records] == ["Doe^Jane", None]
    assert "1 DICOM image without a PatientID." in imported.notes


def test_what_is_no_image_is_a_problem(source, dicom, touch):
    two_series(dicom)
    dicom("sr", series="1.2.8", instance="6.1", modality="SR")
    dicom("seg.dcm", series="1.2.9", instance="6.2", modality="SEG")
    touch("broken.dcm", "readme.txt")
    (source / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    _, imported = take(source)
    reasons = {problem.key: problem.reason for problem in imported.problems}
    assert reasons.keys() == {"sr", "seg.dcm", "broken.dcm", "DICOMDIR"}
    assert "a structured report" in reasons["sr"]
    assert "a segmentation" in reasons["seg.dcm"]
    assert "letters DICM" in reasons["broken.dcm"]
    assert imported.notes == ("1 file of another kind not taken as DICOM images.",)


def test_a_tree_with_more_pictures_than_dicom_is_none(source, dicom, touch):
    dicom("a", instance="1.1")
    touch("b.png")
    assert take(source)[0] == "dicom_tree"
    touch("c.png")
    assert take(source)[0] == "images"
    assert [r.key for r in take(source, "dicom_tree")[1].records] == ["a"]


def test_rows_name_files_or_folders_and_the_closest_counts(source, dicom, table):
    two_series(dicom)
    dicom("b/d", series="1.2.5", instance="3.1")
    dicom("b/e/f/g", series="1.2.6", instance="4.1")
    table(
        "image,y,who,part\nb,1,,\nb/c/1.IMA,2,Q,val\na,3,R,train\nb/c,4,S,val\n"
        "b/e,5,,test\n.,6,,test\n"
    )
    _, imported = take(
        source, "dicom_tree", labels=("y",), patient_column="who", split_column="part"
    )
    found = {r.key: (r.labels["y"], r.patient, r.split) for r in imported.records}
    assert found == {
        "a/IM0": (3, "R", "train"),
        "b/c/0.IMA": (2, "Q", "val"),
        "b/d": (1, "P1", None),
        "b/e/f/g": (5, "P1", "test"),
    }


def test_a_row_without_dicom_is_a_problem_and_the_rest_unlabelled(source, dicom, table, touch):
    two_series(dicom)
    touch("empty/x.txt")
    table("image,y\na,1\nempty,2\n")
    _, imported = take(source, labels=("y",))
    assert {r.key: r.labels["y"] for r in imported.records} == {"a/IM0": 1, "b/c/0.IMA": None}
    assert [(p.key, p.reason) for p in imported.problems] == [
        ("empty", "labels without an image, no DICOM image is there: line 3 of the table.")
    ]


def test_a_label_map_in_dicom_is_no_image(source, dicom, table):
    dicom("a", instance="1.1")
    dicom("m.dcm", series="1.2.4", instance="1.2")
    table("image,mask\na,m.dcm\n")
    _, imported = take(source)
    assert [record.key for record in imported.records] == ["a"]
    assert imported.records[0].mask is not None


def test_two_slices_of_one_series_may_not_both_have_a_row(source, dicom, table):
    two_series(dicom)
    table("image,y\na/IM0,1\na/IM1,2\n")
    with pytest.raises(DataError, match="lines 2, 3 name slices of one series"):
        take(source)


@pytest.mark.parametrize("row", ["a.nii,,,,", ",1,2,3,4"])
def test_a_mask_or_boxes_cannot_belong_to_several_series(source, dicom, table, touch, row):
    touch("a.nii")
    two_series(dicom)
    table(f"image,mask,x0,y0,x1,y1\n.,{row}\n")
    with pytest.raises(DataError, match="must belong to one image, but the folders on line 2"):
        take(source)


def test_columns_without_a_table_are_refused(source, dicom):
    two_series(dicom)
    with pytest.raises(ConfigError, match="patient_column can be used only with a table"):
        take(source, patient_column="PatientID")
