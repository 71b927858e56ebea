"""What `prepare` refuses and survives: missing columns, senseless options, odd names."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


@pytest.mark.parametrize("option", ["patient", "site", "split", "mask", "image", "label"])
def test_a_missing_column_names_those_there(files: Path, out: Path, option: str) -> None:
    value = ["gade"] if option == "label" else "gade"
    with pytest.raises(DataError, match=r"must have a column 'gade'.*'grade'"):
        run(files, out, **{option: value})
    assert not out.exists()


def test_a_missing_table_or_source_is_named(files: Path, out: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing at "):
        run(tmp_path / "none", out)
    with pytest.raises((ConfigError, DataError)):
        run(files, out, labels=files / "none.csv")
    with pytest.raises(ConfigError, match="no modality 'xray'"):
        run(files, out, modality="xray")


def test_one_class_only_and_no_patients(tmp_path: Path, out: Path, write_source) -> None:
    files = write_source(tmp_path / "files", columns={"grade": ["low"] * 8})
    found = run(files, out, label=["grade"])
    assert set(Store.open(out).labels("grade")) == {"low"}
    assert any("patients: none given" in note for note in found.notes)
    assert any("patients: none given" in note for note in Store.open(out).meta.notes)


def test_a_dry_run_writes_nothing(
    files: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(files, out, dry_run=True)
    assert not out.exists()
    assert (found.stored, found.new) == (8, 0)
    assert "Would store 8 images and set 0 aside" in capsys.readouterr().out


def test_what_is_said_names_the_counts_and_the_next_step(
    files: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "images" / "bad.png").write_bytes(b"bad")
    run(files, out)
    said = capsys.readouterr().out
    assert "Stored 8 images" in said
    assert "quarantined 1" in said


def test_a_damaged_settings_file_is_named(files: Path, out: Path) -> None:
    run(files, out)
    (out / "settings.json").write_text("{")
    with pytest.raises(DataError, match=r"settings.json must hold .* --overwrite"):
        run(files, out)
    assert run(files, out, overwrite=True).stored == 8


def test_odd_file_names_get_through(tmp_path: Path, out: Path, draw) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    names = ["-rf.png", "a\nb.png", "\u00fcber '\".png", "=1+1.png", "x" * 251 + ".png"]
    for number, name in enumerate(names):
        Image.fromarray(draw(number)).save(folder / name)
    (folder / "=cmd.png").write_bytes(b"bad")
    found = run(folder, out)
    assert (found.stored, found.quarantined) == (5, 1)


def test_a_seed_below_zero_is_refused_before_anything_is_read(files: Path, out: Path) -> None:
    with pytest.raises(ConfigError, match="seed must be 0 or above, got -1"):
        run(files, out, seed=-1)
    assert not out.exists()


@pytest.mark.parametrize("size", [0, -3, 7, 5000])
def test_a_canvas_of_no_use_is_refused_before_anything_is_read(files, out, size):
    with pytest.raises(ConfigError, match=f"got {size}"):
        run(files, out, size=size)
    assert not out.exists()
