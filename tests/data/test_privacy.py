"""No name, number or date of a patient reaches the store, what is said, or an error."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.errors import AnlageError

SECRETS = ("QUIXOTE", "JANE", "MRN4711", "19491231", "STREET", "1.2.840.99.4711", "DRHOUSE")


def write_dicom(path: Path, pixels: np.ndarray, **elements) -> Path:
    """A DICOM picture full of names."""
    dataset = Dataset()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix="1.2.840.99.4711.")
    dataset.file_meta = meta
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.840.99.4711.1"
    dataset.PatientName, dataset.PatientID = "QUIXOTE^JANE", "MRN4711"
    dataset.PatientBirthDate = dataset.StudyDate = "19491231"
    dataset.PatientAddress, dataset.ReferringPhysicianName = "1 STREET", "DRHOUSE"
    dataset.StudyDescription = "JANE QUIXOTE CHEST"
    dataset.InstitutionName = "STREET HOSPITAL"
    dataset.Modality, dataset.Manufacturer = "DX", "ACME"
    dataset.add_new(0x00091001, "LO", "JANE QUIXOTE")
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def dicom_files(tmp_path: Path, draw) -> Path:
    """Good, damaged and odd files, in folders named after their patient."""
    folder = tmp_path / "files"
    for number in range(4):
        place = folder / "QUIXOTE_JANE_MRN4711" / f"JANE_{number}.dcm"
        write_dicom(place, draw(number), PatientID=f"MRN4711-{number}")
    whole = place.read_bytes()
    place.with_name("QUIXOTE_cut.dcm").write_bytes(whole[: len(whole) // 2])
    place.with_name("QUIXOTE_text.dcm").write_bytes(b"JANE QUIXOTE, born 19491231")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a value that pydicom would quote in a warning
        write_dicom(place.with_name("QUIXOTE_age.dcm"), draw(20), PatientAge="JANE QUIXOTE IS 50")
    return folder


def traces(folder: Path) -> list[str]:
    """Names of files below a folder, and secrets inside them."""
    found = []
    for path in folder.rglob("*"):
        inside = path.read_bytes() if path.is_file() else b""
        text = (path.relative_to(folder).as_posix().encode() + b"\n" + inside).upper()
        found += [f"{secret} in {path.name}" for secret in SECRETS if secret.encode() in text]
    return found


def test_the_search_finds_what_it_should(dicom_files: Path) -> None:
    assert len(traces(dicom_files)) > 20


def test_names_in_tags_files_and_folders_stay_outside(
    dicom_files: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ANLAGE_HOME", str(home))
    out = tmp_path / "store"
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = prepare(dicom_files, out=out, modality="cxr", workers=0)
    assert found.stored >= 4
    assert found.quarantined >= 2
    assert traces(out) == traces(home) == []
    captured = capfd.readouterr()
    said = "".join(
        [captured.out, captured.err, caplog.text, repr(found), *map(str, warned)]
    ).upper()
    assert not [secret for secret in SECRETS if secret in said]


def test_workers_say_no_names_either(
    dicom_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "store"
    prepare(dicom_files, out=out, modality="cxr", workers=1)
    assert traces(out) == []
    captured = capfd.readouterr()
    assert not [secret for secret in SECRETS if secret in (captured.out + captured.err).upper()]


def test_names_in_a_table_stay_outside(tmp_path: Path, draw) -> None:
    files = tmp_path / "files"
    (files / "QUIXOTE").mkdir(parents=True)
    rows = [("image", "patient", "note", "mask", "grade")]
    for number in range(6):
        Image.fromarray(draw(number)).save(files / "QUIXOTE" / f"JANE{number}.png")
        mask = f"QUIXOTE/MRN4711-{number}.png"
        rows.append(
            (f"QUIXOTE/JANE{number}.png", f"JANE QUIXOTE {number % 4}", "DRHOUSE", mask, "a")
        )
    rows.append(("QUIXOTE/JANE-gone.png", "JANE QUIXOTE", "STREET", "", "a"))
    with (files / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = prepare(files, out=tmp_path / "store", patient="patient", label=["grade"], workers=0)
    assert found.quarantined == 7
    assert traces(tmp_path / "store") == []
    store = Store.open(tmp_path / "store")
    assert len(set(store.index["patient"])) == 4
    assert {len(patient) for patient in store.index["patient"]} == {16}


def _leak(files: Path) -> dict:
    table = files / "labels.csv"
    lines = table.read_text().splitlines()
    parts = ["part", "train", "test", "val", "test", "train", "train"]
    table.write_text("\n".join(f"{a},{b}" for a, b in zip(lines, parts, strict=True)))
    return {"patient": "patient", "split": "part"}


def _damage_all(files: Path) -> dict:
    for path in files.rglob("*.png"):
        path.write_bytes(b"JANE QUIXOTE")
    return {}


def _repeat(files: Path) -> dict:
    table = files / "labels.csv"
    table.write_text(table.read_text() + "QUIXOTE/JANE0.png,JANE QUIXOTE\n")
    return {}


def _lock_up(files: Path) -> dict:
    shutil.rmtree(files / "QUIXOTE")
    return {}


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (_leak, {}),
        (_damage_all, {}),
        (_repeat, {}),
        (_lock_up, {}),
        (lambda _: {"label": ["grade"]}, {}),
        (_damage_all, {"strict": True}),
    ],
)
def test_errors_name_no_one(
    tmp_path: Path, draw, fault: Callable[[Path], dict], options: dict
) -> None:
    files = tmp_path / "files"
    (files / "QUIXOTE").mkdir(parents=True)
    rows = ["image,patient"]
    for number in range(6):
        Image.fromarray(draw(number)).save(files / "QUIXOTE" / f"JANE{number}.png")
        rows.append(f"QUIXOTE/JANE{number}.png,JANE QUIXOTE {number % 3}")
    (files / "labels.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(AnlageError) as caught:
        prepare(files, out=tmp_path / "store", workers=0, **options, **fault(files))
    error: BaseException | None = caught.value
    while error is not None:
        assert not [secret for secret in SECRETS if secret in str(error).upper()]
        error = None if error.__suppress_context__ else error.__context__


def test_pictures_that_may_carry_text_need_leave(tmp_path: Path, draw) -> None:
    kinds = {
        "us": {"Modality": "US"},
        "sc": {"Modality": "SC"},
        "xa": {"Modality": "XA"},
        "stated": {"Modality": "DX", "BurnedInAnnotation": "YES"},
        "clean": {"Modality": "US", "BurnedInAnnotation": "NO"},
        "dx": {"Modality": "DX"},
    }
    for number, (name, elements) in enumerate(kinds.items()):
        write_dicom(tmp_path / "files" / f"{name}.dcm", draw(number), PatientID=name, **elements)
    found = prepare(tmp_path / "files", out=tmp_path / "store", workers=0)
    assert (found.stored, found.quarantined) == (2, 4)
    with (tmp_path / "store" / "quarantine.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert all("--allow-burned-in" in reason for reason in reasons)
    found = prepare(tmp_path / "files", out=tmp_path / "all", workers=0, allow_burned_in=True)
    assert (found.stored, found.quarantined) == (6, 0)


def test_the_key_lies_outside_the_store(tmp_path: Path, write_source) -> None:
    out = tmp_path / "store"
    prepare(write_source(tmp_path / "files"), out=out, patient="patient", workers=0)
    key = (Path(os.environ["ANLAGE_HOME"]) / "identity.key").read_bytes()
    for path in out.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert key not in content
        assert bytes.fromhex(key.decode()) not in content
