"""PET in DICOM becomes SUV by body weight, by hand computation, or says why it cannot."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydicom.dataset import Dataset

from anlage.data.readers._dicom_suv import uptake_of

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


def factor(*slices: Dataset) -> float:
    found = uptake_of(slices)
    assert found is not None
    assert found.unit == "suv"
    assert found.note.startswith("SUV by body weight, ")
    return found.factor


def reason(*slices: Dataset) -> str:
    found = uptake_of(slices)
    assert found is not None
    assert (found.unit, found.factor) == ("uptake", 1.0)
    return found.note


def decayed(seconds: float) -> float:
    return AT_INJECTION * math.exp(math.log(2) * seconds / HALF_LIFE_S)


def test_one_hour_after_the_injection_by_hand() -> None:
    # 350 MBq fall to 350 * 2^(-3600 / 6586.2) = 239.6 MBq; 70,000 g / 239.6 MBq
    assert factor(header()) == pytest.approx(70_000 / 239.6e6, rel=1e-3)
    assert factor(header()) == pytest.approx(decayed(3600), rel=1e-12)


def test_values_corrected_to_the_injection_are_not_decayed_again() -> None:
    assert factor(header(DecayCorrection="ADMIN")) == pytest.approx(2e-4, rel=1e-12)
    lacks_times = header(DecayCorrection="ADMIN", SeriesTime=None, AcquisitionTime=None)
    assert factor(lacks_times) == pytest.approx(2e-4, rel=1e-12)


def test_an_injection_before_midnight() -> None:
    night = {"SeriesTime": "003000", "AcquisitionTime": "003200"}
    bare = header(tracer={"RadiopharmaceuticalStartTime": "233000.5"}, **night)
    assert factor(bare) == pytest.approx(decayed(3599.5), rel=1e-12)
    dated = header(tracer={"RadiopharmaceuticalStartDateTime": "20200314233000"}, **night)
    assert factor(dated) == pytest.approx(decayed(3600), rel=1e-12)


@pytest.mark.parametrize("time", ["100100", "0900"])
def test_a_date_with_the_time_counts_before_the_bare_time(time: str) -> None:
    stamp = {"RadiopharmaceuticalStartDateTime": "20200315093000.000"}
    with_both = header(tracer=stamp | {"RadiopharmaceuticalStartTime": time})
    assert factor(with_both) == pytest.approx(decayed(5400), rel=1e-12)


def test_a_time_in_another_zone_is_left_for_the_bare_one() -> None:
    zoned = header(tracer={"RadiopharmaceuticalStartDateTime": "20200315093000+0000"})
    assert factor(zoned) == pytest.approx(decayed(3600), rel=1e-12)


@pytest.mark.parametrize("keyword", [name for name in PET if name != "Modality"])
def test_each_missing_element_is_named(keyword: str) -> None:
    note = reason(header(without=keyword))
    assert note.startswith("not SUV: ")
    assert keyword in note
    if "Series" in keyword:  # the scan's start could follow from its first frame
        assert "FrameReferenceTime or ActualFrameDuration is missing" in note


@pytest.mark.parametrize("keyword", list(TRACER))
def test_each_missing_element_of_the_tracer_is_named(keyword: str) -> None:
    assert reason(header(without=keyword)) == f"not SUV: {keyword} is missing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PatientWeight": 0}, "PatientWeight is not above 0"),
        ({"PatientWeight": 70_000}, "PatientWeight cannot be in kg"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection is not START or ADMIN"),
        ({"CorrectedImage": ["ATTN", "SCAT"]}, "CorrectedImage does not hold"),
        ({"CorrectedImage": ["DECY", "SCAT"]}, "CorrectedImage does not hold"),
        ({"Units": "PROPCPS"}, "Units are not BQML, CNTS or GML"),
        ({"RadiopharmaceuticalInformationSequence": []}, "does not hold one tracer"),
        ({"AcquisitionTime": ""}, "AcquisitionDate or AcquisitionTime is missing"),
        ({"tracer": {"RadionuclideTotalDose": 350}}, "RadionuclideTotalDose cannot be in Bq"),
        ({"tracer": {"RadionuclideHalfLife": -1}}, "RadionuclideHalfLife is not above 0"),
        ({"tracer": {"RadiopharmaceuticalStartTime": "110100"}}, "before the injection or too"),
        (
            {"tracer": {"RadiopharmaceuticalStartDateTime": "20200313100000"}},
            "too many half-lives after",
        ),
        (
            {"tracer": {"RadionuclideHalfLife": 282_000}},  # zirconium-89, scanned after days
            "RadiopharmaceuticalStartDateTime is missing",
        ),
    ],
)
def test_what_cannot_be_is_no_ground_for_a_guess(changes: dict[str, Any], words: str) -> None:
    assert words in reason(header(**changes))


def test_a_tracer_that_lasts_for_days_needs_the_date() -> None:
    slow = {
        "RadionuclideHalfLife": 282_000,
        "RadiopharmaceuticalStartDateTime": "20200312110000",
    }
    expected = AT_INJECTION * 2 ** (3 * 86400 / 282_000)
    assert factor(header(tracer=slow)) == pytest.approx(expected, rel=1e-12)


def test_slices_must_agree() -> None:
    assert "PatientWeight differs" in reason(header(), header(PatientWeight=71.0))
    assert "RadionuclideTotalDose differs" in reason(
        header(), header(tracer={"RadionuclideTotalDose": 351e6})
    )
    assert "PatientWeight differs" in reason(header(), header(without="PatientWeight"))


def test_the_scan_starts_with_the_series_if_no_slice_was_earlier() -> None:
    beds = [header(AcquisitionTime=time) for time in ("111000", "110000", "110500")]
    assert factor(*beds) == pytest.approx(decayed(3600), rel=1e-12)


def test_a_series_time_changed_later_gives_way_to_what_the_frame_says() -> None:
    # by hand: the first bed of 180 s began at 11:10, 300 s into the scan after its own centre
    rate = math.log(2) / HALF_LIFE_S
    centre = math.log(rate * 180 / (1 - math.exp(-rate * 180))) / rate
    assert centre == pytest.approx(90, abs=0.5)
    frame = {"FrameReferenceTime": 300_000 + 1000 * centre, "ActualFrameDuration": 180_000}
    later = frame | {"FrameReferenceTime": 600_000 + 1000 * centre}
    beds = [
        header(SeriesTime="150000", AcquisitionTime="111500", **later),
        header(SeriesTime="150000", AcquisitionTime="111000", **frame),
    ]
    assert factor(*beds) == pytest.approx(decayed(3900), rel=1e-9)


@pytest.mark.parametrize("reference_ms", [0, -60_000])
def test_a_frame_whose_mean_lies_at_or_before_the_start_tells_nothing(reference_ms: float) -> None:
    frame = {"FrameReferenceTime": reference_ms, "ActualFrameDuration": 180_000}
    assert "FrameReferenceTime" in reason(header(SeriesTime="150000", **frame))


def ge(dataset: Dataset, stamp: str, creator: str = "GEMS_PETD_01") -> Dataset:
    dataset.private_block(0x0009, creator, create=True).add_new(0x0D, "DT", stamp)
    return dataset


def test_the_private_scan_time_of_ge_counts_if_the_series_was_changed_later() -> None:
    late = {"SeriesTime": "150000"}
    assert factor(ge(header(**late), "20200315105000.00")) == pytest.approx(decayed(3000))
    assert factor(ge(header(), "20200315105000.00")) == pytest.approx(decayed(3600))
    for useless in (
        ge(header(**late), "20200315145000"),
        ge(header(**late), "20200315105000", "ACME"),
    ):
        assert "FrameReferenceTime" in reason(useless)


def philips(dataset: Dataset, *, suv: str = "", bqml: str = "", creator: str = "") -> Dataset:
    block = dataset.private_block(0x7053, creator or "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", suv)
    block.add_new(0x09, "DS", bqml)
    return dataset


def test_counts_of_philips_carry_their_factor() -> None:
    counts = {"Units": "CNTS"}
    own = factor(philips(header(**counts, without="PatientWeight"), suv="0.000551", bqml="2.5"))
    assert own == pytest.approx(0.000551)
    assert factor(philips(header(**counts), suv="0", bqml="2.5")) == pytest.approx(
        2.5 * decayed(3600)
    )
    for useless in (
        header(**counts),
        philips(header(**counts)),
        philips(header(**counts), suv="0.1", creator="ACME"),
    ):
        assert "Philips' private factors are missing" in reason(useless)
    two = [philips(header(**counts), suv=factor) for factor in ("0.1", "0.2")]
    assert "Philips' private factors are missing" in reason(*two)


def test_grams_per_ml_are_suv_already_unless_by_another_measure() -> None:
    assert factor(header(Units="GML", without="PatientWeight")) == 1
    assert factor(header(Units="GML", SUVType="BW")) == 1
    assert "SUVType is not BW" in reason(header(Units="GML", SUVType="LBM"))


@pytest.mark.parametrize("modality", ["CT", "MR", "NM"])
def test_other_modalities_are_left_alone(modality: str) -> None:
    assert uptake_of([header(Modality=modality)]) is None
