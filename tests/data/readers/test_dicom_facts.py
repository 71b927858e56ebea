"""Facts come from the allow-list alone, and nothing personal passes for one."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from anlage.data.readers._dicom_facts import facts_of
from anlage.data.readers._dicom_tags import FACTS, IMAGE, SERIES, tags


def dataset(**elements: object) -> Dataset:
    described = Dataset()
    for keyword, value in elements.items():
        setattr(described, keyword, value)
    return described


def test_facts_of_a_scan() -> None:
    facts = facts_of(
        dataset(
            Modality="MR",
            Manufacturer="SIEMENS",
            ManufacturerModelName="Prisma fit",
            MagneticFieldStrength="3",
            EchoTime=None,
            ScanningSequence=["SE", "IR"],
            SequenceName="*tfl3d1_16ns",
            PatientSex="F",
            PatientAge="041Y",
            ImageLaterality="L",
            PatientName="Doe^Jane",
            StudyDate="20200101",
            AccessionNumber="77",
            ImageComments="looks fine",
            DeviceSerialNumber="123",
        )
    )
    assert facts == {
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Prisma fit",
        "MagneticFieldStrength": 3.0,
        "ScanningSequence": "SE IR",
        "SequenceName": "*tfl3d1_16ns",
        "PatientSex": "F",
        "PatientAge": 41.0,
        "ImageLaterality": "L",
    }


@pytest.mark.parametrize(
    ("written", "years"),
    [("041Y", 41.0), ("088Y", 88.0), ("089Y", 89.0), ("102Y", 89.0), ("018M", 1.5), ("010D", 0.03)],
)
def test_age_in_years_and_capped(written: str, years: float) -> None:
    assert facts_of(dataset(PatientAge=written)) == {"PatientAge": years}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "elements",
    [
        {"PatientAge": "JANE"},
        {"PatientSex": "FEMALE JANE DOE"},
        {"BurnedInAnnotation": "MAYBE"},
        {"Laterality": "X"},
        {"Modality": "Doe^Jane"},
        {"BodyPartExamined": "CHEST 20200101"},
        {"BodyPartExamined": "Jane, born in May"},
        {"Manufacturer": "Doe^Jane"},
        {"ManufacturerModelName": "MRN 0012345678"},
        {"ConvolutionKernel": "  "},
    ],
)
def test_what_may_be_personal_is_left_out(elements: dict[str, str]) -> None:
    assert facts_of(dataset(**elements)) == {}


@pytest.mark.filterwarnings("ignore")
def test_free_text_is_cleaned_and_cut() -> None:
    facts = facts_of(dataset(Manufacturer="A\x1b[31m<b>C & D</b>\n" + "x" * 100))
    assert facts["Manufacturer"] == ("A[31mbC  D/b" + "x" * 100)[:64]


def test_allow_list_names_no_identity() -> None:
    forbidden = ("Name", "Date", "Time", "ID", "UID", "Comments", "Description", "Address")
    allowed = {"SequenceName", "ManufacturerModelName", "RepetitionTime", "EchoTime"}
    allowed |= {"InversionTime"}
    assert not [k for k in FACTS if k.endswith(forbidden) and k not in allowed]
    assert len(FACTS) <= 30
    identity = {"PatientID", "StudyInstanceUID", "SOPInstanceUID"}
    assert not identity & {*FACTS, *IMAGE}
    assert identity < set(SERIES)
    assert len(tags(FACTS)) == len(FACTS)
