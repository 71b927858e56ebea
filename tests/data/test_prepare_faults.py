"""What `prepare` refuses, warns of and survives: leaks, other settings, a full disk, odd names."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data import _whole_file
from anlage.data._job import StoreJob
from anlage.data._writer import StoreWriter
from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


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


PARTS = ["train", "train", "train", "train", "val", "test", "test", "test"]


def test_patients_stay_in_one_part(tmp_path: Path, out: Path, write_source) -> None:
    patients = ["a", "a", "b", "b", "c", "d", "e", "e"]
    files = write_source(tmp_path / "files", columns={"patient": patients})
    run(files, out, patient="patient")
    store = Store.open(out)
    for patient in set(store.patients.tolist()):
        parts = store.parts()
        rows = np.flatnonzero(store.patients == patient)
        assert len({parts[store.ids[row]] for row in rows}) == 1


@pytest.mark.parametrize("leak", ["patient", "pixels"])
def test_a_leak_is_refused_unless_allowed_and_then_recorded(
    tmp_path: Path, out: Path, write_source, leak: str
) -> None:
    patients = list("abcdefgh")
    if leak == "patient":
        patients[7] = "A"
    files = write_source(tmp_path / "files", columns={"patient": patients, "part": PARTS})
    if leak == "pixels":
        shutil.copy(files / "images" / "0.png", files / "images" / "7.png")
    options = {"patient": "patient", "split": "part"}
    with pytest.raises(DataError, match=r"but 1 .* lie in more than one"):
        run(files, out, **options)
    assert not (out / "store.json").exists()
    found = run(files, out, allow_leaks=True, **options)
    (caveat, *rest) = Store.open(out).meta.notes
    assert caveat.startswith("LEAK allowed: 1 ")
    assert caveat in found.notes
    assert caveat in (out / "report.html").read_text()
    assert json.loads((out / "store.json").read_text())["notes"][0] == caveat
    assert rest == [] if leak == "patient" else len(rest) == 1


def test_a_leak_that_was_corrected_leaves_no_note(tmp_path: Path, out: Path, write_source) -> None:
    columns = {"patient": [*"abcdefg", "a"], "part": PARTS}
    files = write_source(tmp_path / "files", columns=columns)
    run(files, out, patient="patient", split="part", allow_leaks=True)
    table = (files / "labels.csv").read_text().replace("7.png,a", "7.png,h")
    (files / "labels.csv").write_text(table)
    run(files, out, patient="patient", split="part")
    assert Store.open(out).meta.notes == ()


def test_near_duplicates_across_a_stated_split_are_recorded(
    tmp_path: Path, out: Path, write_source, draw
) -> None:
    files = write_source(tmp_path / "files", columns={"part": PARTS})
    Image.fromarray(draw(0)).save(files / "images" / "7.png")
    darker = (draw(1) * 0.9).astype(np.uint8)[:, ::-1]
    Image.fromarray(np.ascontiguousarray(darker)).save(files / "images" / "6.png")
    run(files, out, patient="patient", split="part", allow_leaks=True)
    notes = Store.open(out).meta.notes
    assert "warning: 2 pairs of near-duplicates lie in different parts" in notes


def test_ids_that_differ_in_leading_zeros_warn(tmp_path: Path, out: Path, write_source) -> None:
    patients = ["7", "007", "8", "9", "10", "11", "12", "13"]
    files = write_source(tmp_path / "files", columns={"patient": patients})
    found = run(files, out, patient="patient")
    assert any("leading zeros or blanks" in note for note in found.notes)
    assert any("leading zeros or blanks" in note for note in Store.open(out).meta.notes)
    assert len(set(Store.open(out).patients.tolist())) == 8


def test_a_train_image_is_stored_the_same_whatever_is_in_the_test_set(
    tmp_path: Path, write_source
) -> None:
    """Nothing about intensities is estimated across images."""
    stores = []
    for name, last in (("one", 7), ("two", 250)):
        files = write_source(tmp_path / name, 6, shape=(12, 10, 8))
        path = files / "images" / "5.nii.gz"
        voxels = np.random.default_rng(last).normal(last, last, (12, 10, 8)).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
        run(files, tmp_path / f"{name}-store", modality="mri")
        stores.append(Store.open(tmp_path / f"{name}-store"))
    hashes = [dict(zip(store.ids, store.index["sha256"], strict=True)) for store in stores]
    assert sum(hashes[0][image_id] == hashes[1][image_id] for image_id in hashes[0]) == 5


def test_other_settings_are_refused_for_a_store_that_is_there(files: Path, out: Path) -> None:
    run(files, out)
    with pytest.raises(ConfigError, match=r"other settings \(size: None -> 64\).*--overwrite"):
        run(files, out, size=64)
    assert run(files, out, size=64, overwrite=True).new == 8
    assert Store.open(out).meta.size == (64, 64)


def test_overwrite_and_out_spare_what_is_no_store(files: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(DataError, match="holds something else"):
            run(files, mine, overwrite=overwrite)
    with pytest.raises(DataError, match="holds something else"):
        run(files, files)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_project_with_settings_of_its_own_is_no_store(
    files: Path, out: Path, overwrite: bool
) -> None:
    out.mkdir()
    (out / "settings.json").write_text('{"modality": "mri", "editor.fontSize": 12}')
    with pytest.raises(DataError, match=r"holds something else \(no settings.json of a store"):
        run(files, out, overwrite=overwrite)
    (out / "settings.json").write_text("{damaged")
    (out / "splits").mkdir()
    with pytest.raises(DataError, match=r"holds something else"):
        run(files, out, overwrite=overwrite)
    assert sorted(path.name for path in out.iterdir()) == ["settings.json", "splits"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_store_with_other_things_in_it_is_left_alone(
    files: Path, out: Path, overwrite: bool
) -> None:
    run(files, out)
    (out / "paper").mkdir()
    (out / "thesis.txt").write_text("years of work")
    before = content(out)
    with pytest.raises(DataError, match=r"something else \(paper, thesis.txt\).*or move what"):
        run(files, out, overwrite=overwrite)
    assert content(out) == before


def test_overwrite_keeps_splits_of_the_users_own_and_hidden_files(files: Path, out: Path) -> None:
    run(files, out)
    (out / ".git").mkdir()
    (out / ".git" / "config").write_text("mine")
    mine = out / "splits" / "mine.csv"
    mine.write_text((out / "splits" / "default.csv").read_text())
    (out / "splits" / "default.csv").write_text("damaged")
    assert run(files, out, overwrite=True).new == 8
    assert mine.read_text() == (out / "splits" / "default.csv").read_text()
    assert (out / ".git" / "config").read_text() == "mine"


def test_overwrite_that_is_stopped_half_way_can_be_started_again(
    files: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(files, out)
    with monkeypatch.context() as patch:
        patch.setattr(StoreJob, "remember_settings", _full)
        with pytest.raises(DataError, match="No space left"):
            run(files, out, size=64, overwrite=True)
    with pytest.raises(DataError, match=r"no store\.json"):
        Store.open(out)
    assert run(files, out, size=64, overwrite=True).new == 8


def test_a_bad_source_does_not_cost_the_store_that_is_to_be_overwritten(
    files: Path, out: Path, tmp_path: Path
) -> None:
    run(files, out)
    before = content(out)
    with pytest.raises(ConfigError):
        run(tmp_path / "typo", out, overwrite=True)
    assert content(out) == before


def test_overwrite_of_nothing_makes_a_store(files: Path, out: Path) -> None:
    assert run(files, out, overwrite=True).new == 8


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


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _full(*_arguments, **_options):
    raise FULL


def test_a_full_disk_while_images_are_stored_is_said_and_can_be_made_good(
    files: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = StoreWriter._append, []

    def fills_up(self, kind, array):
        calls.append(kind)
        if len(calls) > 9:
            file = self._file(f"{kind}-0000.bin")
            file.write(array.tobytes()[:100])
            raise FULL
        return real(self, kind, array)

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "_append", fills_up)
        with pytest.raises(DataError, match=r"No space left on device.*goes on from here") as error:
            run(files, out)
    assert str(tmp_path) not in str(error.value)
    assert not (out / "store.json").exists()
    found = run(files, out)
    assert (found.new, found.stored) == (4, 8)
    run(files, tmp_path / "once")
    assert content(out) == content(tmp_path / "once")


@pytest.mark.parametrize(
    "name", ["settings.json", "quarantine.csv", "index.parquet", "default.csv", "store.json"]
)
def test_a_full_disk_at_any_file_leaves_no_half_of_it(
    files: Path, out: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    with monkeypatch.context() as patch:

        def fails(handle: int) -> None:
            if Path(f"/proc/self/fd/{handle}").readlink().name == f".{name}.tmp":
                raise FULL
            real(handle)

        patch.setattr(_whole_file.os, "fsync", fails)
        with pytest.raises(DataError, match="No space left on device"):
            run(files, out)
    assert not list(out.rglob(f"*{name}*"))
    assert not list(out.rglob("*.tmp"))
    run(files, out)
    run(files, tmp_path / "once")
    assert content(out) == content(tmp_path / "once")


def test_a_folder_that_cannot_be_written_is_said(files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="must be a writable folder"):
        run(files, tmp_path / "file" / "store")


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
