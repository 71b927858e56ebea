"""_boxes: corners from columns, JSON cells and a table of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlage.data.importers import Box, Imported, ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source: Path, **options) -> Imported:
    return import_records(source, ImportOptions(**options), "manifest")[1]


def by_key(imported: Imported):
    return {record.key: record for record in imported.records}


def test_boxes_turn_from_x_y_to_rows_and_columns(source, touch, table):
    touch("a.png", "b.png")
    table("image,x0,y0,x1,y1\na.png,10,20,30,50.5\nb.png,,,,\n")
    records = by_key(take(source))
    assert records["a.png"].boxes == (Box(low=(20, 10), high=(50.5, 30), label="object"),)
    assert records["b.png"].boxes == ()


def test_boxes_in_3d_keep_x_y_z(source, touch, table):
    touch("a.nii.gz")
    table("image,x0,y0,z0,x1,y1,z1\na.nii.gz,1,2,3,4,5,6\n")
    (record,) = take(source).records
    assert record.boxes == (Box(low=(1, 2, 3), high=(4, 5, 6), label="object"),)


def test_boxes_as_json(source, touch, table):
    touch("a.png")
    cell = '[{"label": "wbc", "xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4.5}, ' + (
        '{"label": "rbc", "x0": 1, "y0": 2, "z0": 3, "x1": 4, "y1": 5, "z1": 6}]'
    )
    table('image,b,x0,y0,x1,y1\na.png,"' + cell.replace('"', '""') + '",7,7,9,9\n')
    (record,) = take(source, boxes_column="b").records
    assert record.boxes == (
        Box(low=(2, 1), high=(4.5, 3), label="wbc"),
        Box(low=(1, 2, 3), high=(4, 5, 6), label="rbc"),
    )


@pytest.mark.parametrize(
    "cell",
    [
        "x",
        "3",
        "[1]",
        '[{"label": "a"}]',
        '[{"label": 1, "x0": 1, "y0": 2, "x1": 3, "y1": 4}]',
        '[{"x0": 1, "y0": 2, "x1": 3, "y1": 4}]',
        "[" * 5000,
    ],
)
def test_a_cell_that_is_no_list_of_boxes_is_refused(source, touch, table, cell):
    touch("a.png", "b.png")
    table('image,b\na.png,[]\nb.png,"' + cell.replace('"', '""') + '"\n')
    with pytest.raises(DataError, match=r"column 'b' must hold boxes as JSON.*line 3"):
        take(source, boxes_column="b")


@pytest.mark.parametrize("corner", ["null", "NaN", "[]", '"a"', "9" * 400])
def test_a_json_corner_that_is_no_number_is_refused(source, touch, table, corner):
    touch("a.png")
    cell = f'[{{"label": "a", "x0": {corner}, "y0": 2, "x1": 3, "y1": 4}}]'
    table('image,b\na.png,"' + cell.replace('"', '""') + '"\n')
    with pytest.raises(DataError, match="all 4 corners, but line 2 has 3"):
        take(source, boxes_column="b")


def test_boxes_as_a_table_of_their_own(source, touch, table):
    touch("i/a.png", "i/b.png", "i/c.png")
    table("image,x0,y0,x1,y1\ni/a.png,7,7,9,9\ni/b.png,,,,\n")
    path = table(
        "image,label,xmin,ymin,xmax,ymax\n"
        "i/a.png,wbc,1,2,3,4\ni/a.png,rbc,5,6,7,8\ni/c.png,rbc,1,1,2,2\n",
        "boxes.csv",
    )
    imported = take(source, boxes=path)
    assert by_key(imported)["i/a.png"].boxes == (
        Box(low=(2, 1), high=(4, 3), label="wbc"),
        Box(low=(6, 5), high=(8, 7), label="rbc"),
    )
    assert by_key(imported)["i/b.png"].boxes == ()
    assert [problem.key for problem in imported.problems] == ["i/c.png"]
    assert "boxes without an image" in imported.problems[0].reason
    assert take(source, boxes=Path("boxes.csv")) == imported


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,label,x0,y0,x1\na.png,a,1,2,3\n", "a column 'y1' .a corner of the boxes."),
        ("image,x0,y0,x1,y1\na.png,1,2,3,4\n", "a column 'label' .label of the boxes."),
        ("img,label,x0,y0,x1,y1\na.png,a,1,2,3,4\n", "a column 'image' .--image, in the"),
        ("image,label,x0,y0,x1,y1\na.png,,1,2,3,4\n", "name its label and an image.*line 2"),
        ("image,label,x0,y0,x1,y1\n,a,1,2,3,4\n", "name its label and an image.*line 2"),
        ("image,label,x0,y0,x1,y1\n../a.png,a,1,2,3,4\n", "name its label and an image"),
        ("image,label,x0,y0,x1,y1\na.png,a,1,2,3,\n", "all 4 corners, but line 2 has 3"),
        ("image,label,x0,y0,x1,y1\na.png,a,1,2,3,b\n", "all 4 corners, but line 2 has 3"),
    ],
)
def test_a_faulty_table_of_boxes_is_refused(source, touch, table, text, words):
    touch("a.png")
    table("image\na.png\n")
    with pytest.raises(DataError, match=words):
        take(source, boxes=table(text, "boxes.csv"))


def test_boxes_from_two_places_are_refused(source, touch, table):
    touch("a.png")
    table("image,b\na.png,[]\n")
    with pytest.raises(ConfigError, match="boxes must come from one place"):
        take(source, boxes_column="b", boxes=Path("boxes.csv"))
    with pytest.raises(ConfigError, match="the table of boxes must be a CSV"):
        take(source, boxes=Path("boxes.csv"))


def test_a_box_without_area_is_left_out_and_reported(source, touch, table):
    touch("a.png")
    table("image\na.png\n")
    path = table("image,label,x0,y0,x1,y1\na.png,a,1,2,1,4\na.png,b,1,2,3,4\n", "boxes.csv")
    imported = take(source, boxes=path)
    assert [box.label for box in imported.records[0].boxes] == ["b"]
    assert [(p.key, p.reason) for p in imported.problems] == [
        ("a.png", "boxes without area, 1 of them: left out.")
    ]
