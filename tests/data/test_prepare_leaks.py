"""Patients and equal images stay in one part of the split, or it is said that they do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.errors import DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


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
