"""Files of PET become SUV, slice by slice, in a store too; what is none stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from anlage.data.prepare import prepare
from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.dicom import Dicom
from anlage.data.store import Store
from anlage.errors import DataError

HALF_LIFE_S = 6586.2  # of fluorine-18
TRACER = {
    "RadionuclideTotalDose": 350e6,
    "RadionuclideHalfLife": HALF_LIFE_S,
    "RadiopharmaceuticalStartTime": "100000",
}
PET = {
    "Modality": "PT",
    "Units": "BQML",
    "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    "DecayCorrection": "START",
    "PatientWeight": 70.0,
    "SeriesDate": "20200315",
    "SeriesTime": "110000.00",
    "AcquisitionDate": "20200315",
    "AcquisitionTime": "110200",
}
AT_INJECTION = 70_000 / 350e6  # g / Bq


def header(*, without: str = "", tracer: dict[str, Any] | None = None, **changes: Any) -> Dataset:
    item, dataset = Dataset(), Dataset()
    for target, values in (
        (item, TRACER | (tracer or {})),
        (dataset, PET | {"RadiopharmaceuticalInformationSequence": [item]} | changes),
    ):
        for keyword, value in values.items():
            if keyword != without and value is not None:
                setattr(target, keyword, value)
    return dataset


def decayed(seconds: float) -> float:
    return AT_INJECTION * math.exp(math.log(2) * seconds / HALF_LIFE_S)


def philips(dataset: Dataset, *, suv: str = "", bqml: str = "", creator: str = "") -> Dataset:
    block = dataset.private_block(0x7053, creator or "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", suv)
    block.add_new(0x09, "DS", bqml)
    return dataset


def _elements(dataset: Dataset) -> dict[str, Any]:
    return {element.keyword: element.value for element in dataset if element.keyword}


def read(*paths: Path) -> RawImage:
    return Dicom().read(Source(paths=paths, is_series=len(paths) > 1), Limits())


def test_each_slice_keeps_its_own_slope(write_series: Callable[..., list[Path]]) -> None:
    stored = np.full((2, 4, 4), 1000, np.int16)
    stored[:, 0, 0] = 0
    slopes = {0: {"RescaleSlope": 5.0}, 1: {"RescaleSlope": 7.5}}
    values = _elements(header()) | {"RescaleIntercept": 10.0}
    found = read(*write_series(stored, changes=slopes, **values))
    assert (found.unit, found.bits, found.pixels.dtype) == ("suv", 0, np.float32)
    assert found.notes == ("SUV by body weight, from Bq/ml",)
    expected = np.array([10, 5010, 7510]) * decayed(3600)
    np.testing.assert_allclose(np.unique(found.pixels), expected, rtol=1e-6)
    assert not {"PatientWeight", "SeriesDate", "AcquisitionTime"} & set(found.facts)


@pytest.mark.parametrize("is_implicit", [False, True])
def test_private_factors_are_read_from_the_file(write_dicom, is_implicit: bool) -> None:
    path = write_dicom(
        np.full((4, 4), 500, np.uint16),
        RescaleSlope=2,
        RescaleIntercept=0,
        **_elements(header(Units="CNTS")),
    )
    assert read(path).unit == "uptake"
    dataset = philips(dcmread(path), suv="0.002")
    if is_implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(path, implicit_vr=is_implicit, little_endian=True)
    assert read(path).unit == "suv"
    np.testing.assert_allclose(read(path).pixels, 2.0, rtol=1e-6)


def test_values_that_are_no_suv_stay_as_they_are(write_dicom) -> None:
    values = _elements(header(without="PatientWeight"))
    path = write_dicom(
        np.full((4, 4), 50, np.uint16),
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope=2,
        RescaleIntercept=0,
        **values,
    )
    found = read(path)
    assert found.unit == Dicom().header(Source(paths=(path,)), Limits()).unit == "uptake"
    assert np.unique(found.pixels).tolist() == [100]
    assert "not SUV: PatientWeight is missing" in found.notes


def test_a_store_of_pet_holds_suv_and_sets_the_rest_aside(write_series, tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(0, 9000, (4, 16, 16)).astype(np.int16)
    write_series(stored, **_elements(header()))
    folder = tmp_path / "files"
    folder.mkdir()
    for path in tmp_path.glob("slice*.dcm"):
        path.rename(folder / path.name)
    out = tmp_path / "store"
    prepare(folder, out=out, modality="pet", workers=0)
    store = Store.open(out)
    assert (store.meta.kind, store.meta.dtype) == ("suv", "float16")
    expected = np.sort(stored.ravel() * decayed(3600))
    np.testing.assert_allclose(np.sort(store.image(0).ravel()), expected, rtol=2e-3)
    write_series(stored, **_elements(header(without="PatientWeight")))
    for path in tmp_path.glob("slice*.dcm"):
        path.rename(folder / path.name)
    with pytest.raises(DataError, match="at least one image must be readable"):
        prepare(folder, out=tmp_path / "none", modality="pet", workers=0)
    reasons = (tmp_path / "none" / "quarantine.csv").read_text()
    assert "must come in SUV by body weight" in reasons
    assert "PatientWeight is missing" in reasons
    prepare(folder, out=tmp_path / "any", modality="generic", workers=0)
    assert Store.open(tmp_path / "any").meta.kind == "display"
