"""Reading, filtering and adding to the base."""

import csv
import subprocess
import sys

import pytest

from anlage.errors import ConfigError, DataError
from anlage.evidence.base import Base, add, load, local_table, read_table, select
from anlage.evidence.records import columns


@pytest.fixture
def few(make):
    return (
        make(row="E001"),
        make(row="E002", modality="mri", task="classification", metric="auroc", dims="2d"),
        make(row="E003", paradigm="contrastive", method="simclr", label_fraction=0.01),
        make(row="E004", baseline_type="imagenet", status="secondary", label_fraction=""),
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"modality": "mri"}, [2]),
        ({"modality": "mri,ct"}, [1, 2, 3, 4]),
        ({"modality": ["mri", "ct"], "task": "classification"}, [2]),
        ({"task": "segmentation"}, [1, 3, 4]),
        ({"paradigm": "contrastive"}, [3]),
        ({"method": "SimCLR"}, [3]),
        ({"labels": "<=1%"}, [3]),
        ({"labels": "100%"}, [1, 2]),
        ({"labels": "unknown"}, [4]),
        ({"dims": "2d"}, [2]),
        ({"baseline": "imagenet"}, [4]),
        ({"verified_only": True}, [1, 2, 3]),
    ],
)
def test_every_filter_changes_what_is_found(few, filters, found):
    assert [int(row.row[1:]) for row in select(few, **filters)] == found


def test_an_unknown_method_names_the_nearest_that_has_a_row(few):
    with pytest.raises(ConfigError, match="Did you mean 'simclr'"):
        select(few, method="simclrr")


def test_a_row_of_several_modalities_is_found_by_each(make):
    row = make(modality="ct|mri", ssl="", baseline="", status="unread")
    assert select((row,), modality="ct") == select((row,), modality="mri") == (row,)


def test_an_id_is_found_in_any_case(base):
    assert base.find("e112").row == "E112"
    assert base.find("R08").id == "R08"


def test_an_unknown_id_says_what_ids_there_are(base):
    with pytest.raises(ConfigError, match=r"E001 to E[0-9]+\) or a rule"):
        base.find("E9999")


def test_rules_are_found_by_the_row_they_rest_on(base):
    assert "R54" in {rule.id for rule in base.resting_on("E050")}


def test_methods_are_those_with_rows(few):
    assert Base(few, ()).methods() == ("mae", "simclr")


def _write(path, lines, header=None):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header or columns())
        writer.writeheader()
        writer.writerows(lines)
    return path


def test_added_rows_get_ids_and_join_the_base(own_home, tmp_path, plain):
    plain.update(row="", study="local-mine", title="Our own study")
    new = add(_write(tmp_path / "form.csv", [plain]))
    assert [row.row for row in new] == ["L001"]
    assert local_table().parent.parent == own_home
    assert load().rows[-1].title == "Our own study"
    assert load(local=False).rows[-1].row.startswith("E")


def test_a_second_table_goes_on_counting(own_home, tmp_path, plain):
    for number, title in enumerate(("One study", "Another study"), start=1):
        lines = [{**plain, "study": f"local-{number}", "title": title}]
        (row,) = add(_write(tmp_path / "form.csv", lines))
        assert row.row == f"L{number:03d}"
    assert len(read_table(local_table())) == 2


def test_a_bad_row_adds_nothing(own_home, tmp_path, plain):
    good = {**plain, "study": "local-a"}
    with pytest.raises(ConfigError, match=r"form.csv, result 2: .*must lie in 0 to 1"):
        add(_write(tmp_path / "form.csv", [good, {**good, "ssl": "80"}]))
    assert not local_table().exists()


def test_the_same_result_is_not_added_twice(own_home, tmp_path, plain):
    table = _write(tmp_path / "form.csv", [{**plain, "study": "local-a"}])
    add(table)
    with pytest.raises(DataError, match="'A study' is already there"):
        add(table)
    assert len(read_table(local_table())) == 1


def test_an_empty_form_is_refused(own_home, tmp_path):
    with pytest.raises(DataError, match="it holds no row"):
        add(_write(tmp_path / "form.csv", []))


def test_a_missing_form_is_refused(own_home, tmp_path):
    with pytest.raises(DataError, match="is not a file"):
        add(tmp_path / "none.csv")


def test_a_form_with_another_column_is_refused(own_home, tmp_path, plain):
    table = _write(tmp_path / "form.csv", [{**plain, "p": "1"}], [*columns(), "p"])
    with pytest.raises(DataError, match="columns of the schema"):
        add(table)


def test_a_table_without_needed_columns_names_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("row,colour\nE001,red\n")
    with pytest.raises(DataError, match="missing: metric, status, study; unknown: colour"):
        read_table(path)


def test_a_line_with_too_many_cells_is_named(tmp_path, plain):
    path = _write(tmp_path / "t.csv", [plain])
    path.write_text(path.read_text().rstrip() + ",more\n")
    with pytest.raises(DataError, match="line 2 must have"):
        read_table(path)


def test_an_id_that_occurs_twice_is_refused(tmp_path, plain):
    path = _write(tmp_path / "t.csv", [plain, {**plain, "dataset": "other"}])
    with pytest.raises(DataError, match="E001 occurs twice"):
        read_table(path)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="must be a CSV file in UTF-8"):
        read_table(path)


def test_the_room_imports_neither_torch_nor_numpy_until_asked():
    code = (
        "import sys, anlage.evidence as e, anlage.evidence.verb; e.load(local=False);"
        "sys.exit(bool({'torch', 'numpy', 'scipy', 'statsmodels'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
