"""images: any folder, read to its bottom."""

from __future__ import annotations

import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def test_every_image_below_is_listed_without_labels(source, touch):
    paths = touch("a.png", "x/b.NII.GZ", "x/y/c.tif", "x/y/z/d.Jpeg")
    layout, imported = take(source)
    assert layout == "images"
    assert [record.key for record in imported.records] == sorted(
        path.relative_to(source).as_posix() for path in paths
    )
    assert [record.image.paths for record in imported.records] == [(path,) for path in paths]
    for record in imported.records:
        assert (record.mask, dict(record.labels), record.patient, record.split) == (
            None,
            {},
            None,
            None,
        )
    assert imported.notes == ()


def test_what_is_left_out_is_counted_by_kind(source, touch):
    touch("a.png", "b.png", "a_mask.png", "masks/b.png", "labelsTr/x/c.png")
    touch("d.dcm", "e.ima", "f.txt", "noext", ".g.png")
    _, imported = take(source, "images")
    assert [record.key for record in imported.records] == ["a.png", "b.png"]
    notes = "\n".join(imported.notes)
    assert "3 files named like label maps left out" in notes
    assert "2 DICOM files left out: prepare them with layout dicom_tree" in notes
    assert "2 files without the suffix of an image format left out" in notes
    assert "1 hidden file left out" in notes


def test_problems_of_the_walk_are_passed_on(source, touch):
    touch("a.png")
    (source / "loop").symlink_to(source)
    _, imported = take(source)
    assert [problem.key for problem in imported.problems] == ["loop"]


def test_an_empty_folder_is_refused_with_what_was_seen(source, touch):
    with pytest.raises(DataError, match=r"at least one image, none was found .layout images"):
        take(source)
    touch("a.txt", "b.doc")
    with pytest.raises(DataError, match="2 files without the suffix of an image format"):
        take(source)


@pytest.mark.parametrize(
    "options",
    [{"patient_column": "p"}, {"mask_column": "m"}, {"labels": ("y",)}, {"boxes": "b.csv"}],
)
def test_options_that_need_a_table_are_refused(source, touch, options):
    touch("a.png")
    with pytest.raises(ConfigError, match="layout 'images'"):
        take(source, **options)
