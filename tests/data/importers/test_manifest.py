"""manifest: tables with one row per image."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from anlage.data.importers import Imported, ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source: Path, **options) -> Imported:
    layout, imported = import_records(source, ImportOptions(**options))
    assert layout == "manifest"
    return imported


def by_key(imported: Imported):
    return {record.key: record for record in imported.records}


def test_a_row_becomes_a_record(source, touch, table):
    image, mask = touch("images/a.png", "masks/a.png")
    table(
        "image,mask,age,dx,who,where,part,name\n"
        "images/a.png,masks/a.png,61, nevus ,007,Ulm,Training,Jane Doe\n"
    )
    (record,) = take(
        source,
        labels=("age", "dx"),
        patient_column="who",
        site_column="where",
        split_column="part",
    ).records
    assert record.key == "images/a.png"
    assert record.image.paths == (image,)
    assert record.image.entry is None
    assert not record.image.is_series
    assert record.mask is not None
    assert record.mask.paths == (mask,)
    assert dict(record.labels) == {"age": 61, "dx": "nevus"}
    assert (record.patient, record.site, record.split) == ("007", "Ulm", "train")
    assert record.boxes == ()


def test_what_is_not_named_is_not_read(source, touch, table):
    touch("a.png")
    table("image,age,who,where,part\na.png,61,007,Ulm,train\n")
    (record,) = take(source).records
    assert dict(record.labels) == {}
    assert (record.patient, record.site, record.split) == (None, None, None)


@pytest.mark.parametrize("option", ["image", "mask", "patient", "site", "split", "boxes"])
def test_each_column_option_names_its_column(source, touch, table, option):
    touch("a.png", "b.png", "am.png", "bm.png")
    json = '"[{""label"": ""x"", ""x0"": 1, ""y0"": 2, ""x1"": 3, ""y1"": 4}]"'
    table(f"image,other,mk,who,where,part,bx,y\na.png,b.png,am.png,1,2,test,{json},5\n")
    before = take(source, labels=("y",)).records
    columns = {
        "image": "other",
        "mask": "mk",
        "patient": "who",
        "site": "where",
        "split": "part",
        "boxes": "bx",
    }
    after = take(source, labels=("y",), **{f"{option}_column": columns[option]}).records
    assert after != before
    with pytest.raises(DataError, match=f"a column 'nope' .--{option}., it has: 'image'"):
        take(source, **{f"{option}_column": "nope"})


def test_a_missing_label_column_is_refused_with_the_nearest(source, touch, table):
    touch("a.png")
    table("image,label\na.png,1\n")
    with pytest.raises(DataError, match=r"'labl' \(--label\).*Did you mean 'label'\?"):
        take(source, labels=("labl",))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["0", "1", ""], [0, 1, None]),
        (["1.5", "2", ""], [1.5, 2.0, None]),
        (["a", "", "b"], ["a", None, "b"]),
        (["", "", ""], [None, None, None]),
        (["T1", "2b", "III"], ["T1", "2b", "III"]),
    ],
)
def test_a_label_column_is_numbers_or_text(source, touch, table, cells, values):
    touch("0.png", "1.png", "2.png")
    table("image,y\n" + "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells)))
    found = [record.labels["y"] for record in take(source, labels=("y",)).records]
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1", "2", "n/a"], "of 3 values 1 are no numbers, on line 4"),
        (["1", "nan", "2"], "of 3 values 1 are no numbers, on line 3"),
        (["3a", "b", "4"], "of 3 values 1 are numbers, on line 4"),
    ],
)
def test_mixed_types_in_a_label_column_are_refused(source, touch, table, cells, words):
    touch("0.png", "1.png", "2.png")
    table("image,y\n" + "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells)))
    with pytest.raises(DataError, match=words):
        take(source, labels=("y",))


def test_parquet_types_are_believed(source, touch):
    touch("a.png", "b.png")
    frame = pl.DataFrame({"image": ["a.png", "b.png"], "code": ["1", "2a"], "n": [1.0, None]})
    frame.write_parquet(source / "manifest.parquet")
    records = take(source, labels=("code", "n")).records
    assert [dict(record.labels) for record in records] == [
        {"code": "1", "n": 1.0},
        {"code": "2a", "n": None},
    ]


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("train", "train"),
        ("TRAINING", "train"),
        ("val", "val"),
        ("valid", "val"),
        ("Validation", "val"),
        (" test", "test"),
        ("testing", "test"),
        ("", None),
    ],
)
def test_words_for_parts(source, touch, table, word, part):
    touch("a.png")
    table(f"image,part\na.png,{word}\n")
    assert take(source, split_column="part").records[0].split == part


def test_other_words_for_parts_are_named_but_not_a_column_of_people(source, touch, table):
    names = [f"{index}.png" for index in range(8)]
    touch(*names)
    table("image,part\n0.png,train\n1.png,holdout\n2.png,Dev\n")
    with pytest.raises(DataError, match="got 'dev', 'holdout' on lines 3, 4"):
        take(source, split_column="part")
    table("image,part\n" + "".join(f"{name},Jane {name}\n" for name in names))
    with pytest.raises(DataError, match="got 8 other values") as caught:
        take(source, split_column="part")
    assert "jane" not in str(caught.value).lower()


def test_pairs_that_do_not_meet_as_in_the_hippocampus_set(source, touch, table):
    touch("images/001.nii.gz", "images/118.nii.gz", "images/003.nii.gz")
    touch("labels/001.nii.gz", "labels/010.nii.gz", "labels/281.nii.gz")
    table(
        "id,image,mask,note,split\n"
        "001,images/001.nii.gz,labels/001.nii.gz,,train\n"
        '010,,labels/010.nii.gz,"no image; ",train\n'
        "118,images/118.nii.gz,,no mask; ,test\n"
        "281,images/281.nii.gz,labels/281.nii.gz,,train\n"
        "003,images/003.nii.gz,labels/003.nii.gz,,val\n"
        "x,,,nothing,val\n"
    )
    imported = take(source, split_column="split")
    records = by_key(imported)
    assert sorted(records) == [f"images/{name}.nii.gz" for name in ("001", "003", "118")]
    assert [record.mask is not None for record in imported.records] == [True, False, False]
    assert records["images/118.nii.gz"].split == "test"
    reasons = {problem.key: problem.reason for problem in imported.problems}
    assert reasons == {
        "labels/010.nii.gz": "labels without an image, line 3 of the table.",
        "images/281.nii.gz": "labels without an image, line 5 of the table.",
        "labels/003.nii.gz": "a label map that is not there, its image is used without it: "
        "line 6 of the table.",
        "line 7": "labels without an image, line 7 of the table.",
    }


def test_a_table_of_which_no_image_is_there_is_refused(source, touch, table):
    touch("images/a.png")
    table("image,label\na,1\nb,2\n")
    with pytest.raises(DataError, match="none of its 2 rows does"):
        take(source)


@pytest.mark.parametrize("second", ["a.png", "./a.png", "x/../a.png"])
def test_an_image_named_twice_is_refused(source, touch, table, second):
    touch("a.png", "b.png", "m.png")
    table(f"image,mask\na.png,m.png\nb.png,\n{second},m.png\n")
    with pytest.raises(DataError, match="each image once, but lines 2, 4 name the same"):
        take(source)


@pytest.mark.parametrize(("column", "row"), [("image", "../a.png,"), ("mask", "a.png,/etc/hosts")])
def test_a_path_out_of_the_source_is_refused(source, touch, table, column, row):
    touch("a.png", "b.png")
    table(f"image,mask\nb.png,\n{row}\n")
    with pytest.raises(DataError, match=f"column '{column}' must lie inside.*line 3"):
        take(source)


def test_unlisted_images_beside_the_listed_are_unlabelled(source, touch, table):
    touch("images/a.png", "images/b.png", "images/c.PNG", "images/d.jpg", "images/deep/e.png")
    touch("images/b_mask.png", "images/.f.png", "masks/a.png", "masks/b.png")
    table("image,mask,y\nimages/a.png,masks/a.png,1\n")
    imported = take(source, labels=("y",))
    assert {record.key: dict(record.labels) for record in imported.records} == {
        "images/a.png": {"y": 1},
        "images/b.png": {"y": None},
        "images/c.PNG": {"y": None},
    }
    assert imported.notes == (
        "2 images not in the table: used as unlabelled.",
        "1 file not in the table, perhaps label maps: left out.",
    )


def test_where_label_maps_lie_among_images_nothing_unlisted_is_taken(source, touch, table):
    touch("a.png", "a-roi.png", "b.png", "b-roi.png")
    table("image,mask\na.png,a-roi.png\n")
    imported = take(source)
    assert [record.key for record in imported.records] == ["a.png"]
    assert imported.notes == ("2 files not in the table, perhaps label maps: left out.",)


def test_odd_file_names_get_through(source, touch, table):
    names = [
        "line\nbreak.png",
        "-rf.png",
        "quo\"te'.png",
        "comma,.png",
        "ünïcode 图.png",
        "x" * 251 + ".png",
        "=cmd.png",
    ]
    touch(*names)
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in names]
    table("image,y\n" + "".join(f"{name},{i}\n" for i, name in enumerate(quoted)))
    records = take(source, labels=("y",)).records
    assert {record.key: record.labels["y"] for record in records} == {
        name: index for index, name in enumerate(names)
    }
    assert all(record.image.paths[0].is_file() for record in records)


def test_tables_are_found_by_name_or_given(source, touch, table, tmp_path):
    touch("a.png", "b.png")
    other = tmp_path / "other.tsv"
    other.write_text("image\ty\na.png\t1\nb.png\t2\n")
    assert Counter(r.labels["y"] for r in take(source, manifest=other, labels=("y",)).records) == {
        1: 1,
        2: 1,
    }
    table("image,y\na.png,3\n", "manifest.csv")
    assert by_key(take(source, labels=("y",)))["a.png"].labels["y"] == 3
    table("image,y\na.png,4\n", "labels.csv")
    assert by_key(take(source, labels=("y",)))["a.png"].labels["y"] == 4
    assert by_key(take(source, manifest=other, labels=("y",)))["a.png"].labels["y"] == 1
    inside = take(source, manifest=Path("manifest.csv"), labels=("y",))
    assert by_key(inside)["a.png"].labels["y"] == 3
    with pytest.raises(ConfigError, match="the manifest must be a CSV or Parquet file"):
        take(source, manifest=Path("nowhere.csv"))


def test_no_table_for_the_named_layout(source, touch):
    touch("a.png")
    with pytest.raises(ConfigError, match="layout 'manifest' needs a table"):
        import_records(source, ImportOptions(), "manifest")


def test_a_table_may_name_pictures_and_folders_of_dicom(source, touch, table, dicom):
    touch("b.png", "m.nii.gz")
    for index in range(2):
        dicom(f"p1/{index}", instance=f"1.{index}", position=index)
        dicom(f"p2/{index}", series="1.2.4", instance=f"2.{index}", position=index)
    table("image,mask,y\nb.png,,1\np1,m.nii.gz,2\nnone,,3\n")
    imported = take(source, labels=("y",))
    records = by_key(imported)
    assert {key: record.labels["y"] for key, record in records.items()} == {
        "b.png": 1,
        "p1/0": 2,
        "p2/0": None,
    }
    assert records["p1/0"].image.is_series
    assert records["p1/0"].mask is not None
    assert records["p1/0"].patient == "P1"
    assert [problem.key for problem in imported.problems] == ["none"]
