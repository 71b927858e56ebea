"""Sorting files into images: what belongs together, what stands alone, what is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from anlage.data.readers import Limits
from anlage.data.readers._dicom_series import series_of
from anlage.data.readers.dicom import Dicom

SLICES = np.arange(24, dtype=np.int16).reshape(4, 3, 2)


def test_slices_are_joined(write_series: Callable[..., list[Path]]) -> None:
    paths = write_series(SLICES)
    (series,) = series_of(paths, Limits()).series
    assert series.key == "1.2.3"
    assert (series.patient, series.study, series.modality) == ("SECRET-ID", "1.2", "CT")
    assert (series.paths, series.num_slices) == (tuple(paths), 4)
    assert not series.is_multiframe
    assert series.source.is_series
    assert Dicom().read(series.source, Limits()).pixels.shape == (1, 2, 3, 4)


def test_series_are_kept_apart(
    write_series: Callable[..., list[Path]], write_dicom: Callable[..., Path]
) -> None:
    paths = write_series(SLICES, changes={3: {"SeriesInstanceUID": "9"}, 1: {"Modality": "MR"}})
    found = series_of(paths, Limits()).series
    assert [(series.key, series.num_slices) for series in found] == [("1.2.3", 3), ("9", 1)]
    assert not found[1].source.is_series


def test_pictures_of_one_series_stand_alone(write_dicom: Callable[..., Path]) -> None:
    views = [write_dicom(SLICES[0], f"{k}.dcm", Modality="MG") for k in range(2)]
    found = series_of(views, Limits()).series
    assert [series.paths for series in found] == [(views[0],), (views[1],)]
    assert len({series.key for series in found}) == 2
    assert not found[0].source.is_series


def test_multiframe_stands_alone(write_multiframe: Callable[..., Path]) -> None:
    path = write_multiframe(SLICES, positions=[(0, 0, k) for k in range(4)])
    (series,) = series_of([path], Limits()).series
    assert (series.num_slices, series.is_multiframe) == (4, True)
    assert Dicom().read(series.source, Limits()).pixels.shape == (1, 2, 3, 4)


def test_what_is_left_out_says_why(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    text = tmp_path / "README"
    text.write_text("hello")
    cut = write_dicom(SLICES[0], "cut.dcm")
    cut.write_bytes(cut.read_bytes()[:-5])
    reasons = {
        text: "letters DICM",
        cut: "ends too early",
        write_dicom(SLICES[0], "plan.dcm", Modality="RTSTRUCT"): "radiotherapy structure set",
        write_dicom(SLICES[0], "report.dcm", drop=["PixelData"]): "without pixels",
        write_dicom(SLICES[0], "loose.dcm", drop=["SeriesInstanceUID"]): "SeriesInstanceUID",
        tmp_path / "gone.dcm": "No such file",
    }
    found = series_of(reasons, Limits())
    assert found.series == ()
    assert [skipped.path for skipped in found.skipped] == list(reasons)
    for skipped in found.skipped:
        assert reasons[skipped.path] in skipped.reason
        assert "SECRET" not in skipped.reason
        assert skipped.path.name not in skipped.reason


def test_copies_are_skipped(tmp_path: Path, write_series: Callable[..., list[Path]]) -> None:
    paths = write_series(SLICES)
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(paths[2].read_bytes())
    found = series_of([*paths, copy], Limits())
    assert found.series[0].num_slices == 4
    assert [skipped.path for skipped in found.skipped] == [copy]
    assert "second copy" in found.skipped[0].reason
