"""What a store will hold is decided by the majority of the headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data._survey import survey
from anlage.data.importers import Record
from anlage.data.readers import Limits, Source
from anlage.errors import ConfigError, DataError
from anlage.modalities import Policy
from anlage.plugins import available, load


def run(paths: Sequence[Path], modality: str = "generic", *, size=None, spacing_mm=None):
    policy: Policy = load("modalities", modality)
    records = [Record(key=path.name, image=Source(paths=(path,))) for path in paths]
    return survey(
        records,
        policy,
        size=size,
        spacing_mm=spacing_mm,
        allow_burned_in=True,
        limits=Limits(max_pixels_2d=10**6),
    )


@pytest.fixture
def picture(tmp_path: Path):
    def write(name: str, shape=(20, 20), dtype=np.uint8) -> Path:
        path = tmp_path / f"{name}.png"
        rng = np.random.default_rng(len(name))
        Image.fromarray(rng.integers(0, 250, shape).astype(dtype)).save(path)
        return path

    return write


@pytest.fixture
def volume(tmp_path: Path):
    def write(name: str, edges=(1.0, 1.0, 1.0), dtype=np.int16) -> Path:
        path = tmp_path / f"{name}.nii"
        nib.save(nib.Nifti1Image(np.zeros((4, 5, 6), dtype), np.diag([*edges, 1])), path)
        return path

    return write


def test_pictures_of_one_size_stay_as_they_are(picture) -> None:
    layout, fitting, problems, notes = run([picture("a"), picture("b")])
    assert (layout.dims, layout.channels, layout.storage, layout.kind) == (2, 1, "uint8", "display")
    assert (layout.size, layout.spacing_mm, problems, notes) == (None, None, [], [])
    assert [record.key for record in fitting] == ["a.png", "b.png"]
    assert layout.allow_burned_in
    assert layout.limits.max_pixels_2d == 10**6


def test_pictures_of_several_sizes_get_one_canvas_with_a_note(picture) -> None:
    layout, *_, notes = run([picture("a", (20, 30)), picture("b", (25, 10))])
    assert layout.size == 30
    assert notes == ["image sizes differ: all are scaled to 30 x 30 pixels"]
    assert run([picture("a", (20, 30)), picture("b")], size=64)[0].size == 64
    large = [picture("c", (300, 300)), picture("d", (300, 300))]
    assert run(large)[0].size == 256


def test_16_bits_need_a_wider_type(picture) -> None:
    layout, *_ = run([picture("a"), picture("b", dtype=np.uint16)])
    assert (layout.storage, layout.kind) == ("float16", "display")


def test_the_majority_decides_and_the_rest_is_set_aside(picture, volume) -> None:
    paths = [picture("a"), volume("v"), picture("b"), picture("c")]
    layout, fitting, problems, _ = run(paths)
    assert layout.dims == 2
    assert len(fitting) == 3
    assert [(p.key, p.reason[:24]) for p in problems] == [("v.nii", "this store holds 2D imag")]
    layout, fitting, problems, _ = run([volume("v"), volume("w"), picture("a")])
    assert (layout.dims, len(fitting), len(problems)) == (3, 2, 1)


def test_grey_may_join_colour_but_other_counts_may_not(picture, tmp_path: Path) -> None:
    colour = picture("c", (20, 20, 3))
    layout, fitting, problems, _ = run([colour, picture("a"), picture("b")])
    assert (layout.channels, len(fitting), problems) == (3, 3, [])
    paths = []
    for name, channels in (("two", 2), ("also", 2), ("three", 3), ("one", 1)):
        paths.append(tmp_path / f"{name}.nii")
        nib.save(nib.Nifti1Image(np.zeros((4, 5, 6, channels), np.int16), np.eye(4)), paths[-1])
    layout, fitting, problems, _ = run(paths)
    assert layout.channels == 2
    assert [problem.key for problem in problems] == ["three.nii"]
    assert "images of 2 channels, as most here do, got 3" in problems[0].reason


def test_grey_pictures_saved_as_colour_are_looked_at(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        grey = np.random.default_rng(number).integers(0, 255, (20, 20, 1), np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(np.repeat(grey, 3, axis=2)).save(paths[-1])
    assert run(paths)[0].channels == 1


def test_volumes_of_several_spacings_get_the_median_with_a_note(volume) -> None:
    layout, *_, notes = run([volume("a"), volume("b", (1, 1, 3)), volume("c", (1, 1, 2))])
    assert layout.spacing_mm == (1.0, 1.0, 2.0)
    assert notes == ["voxel spacing differs: all are resampled to the median, 1 x 1 x 2 mm"]


def test_small_differences_of_spacing_are_left_alone(volume) -> None:
    layout, *_, notes = run([volume("a"), volume("b", (1, 1, 1.04))])
    assert (layout.spacing_mm, notes) == (None, [])
    layout, *_ = run([volume("a"), volume("b")], spacing_mm=(2, 2, 2))
    assert layout.spacing_mm == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 1, 1), (1, 0, 1), (1, 1, float("nan"))])
def test_a_spacing_that_is_none_is_refused_before_anything_is_read(volume, spacing) -> None:
    with pytest.raises(ConfigError, match="must be three edges of a voxel above 0 mm, got 1,"):
        run([volume("a"), volume("b")], spacing_mm=spacing)


def test_an_option_that_is_not_used_is_said(picture, volume) -> None:
    layout, *_, notes = run([picture("a")], spacing_mm=(1, 1, 1))
    assert layout.spacing_mm is None
    assert notes == ["warning: --spacing-mm is for volumes, these are pictures: not used"]
    layout, *_, notes = run([volume("a")], size=64)
    assert layout.size is None
    assert notes == ["warning: --size is for pictures, these are volumes: not used"]


def test_volumes_without_a_spacing_are_counted(volume, tmp_path: Path) -> None:
    np.save(tmp_path / "n.npy", np.zeros((4, 5, 6), np.int16))
    *_, notes = run([volume("a"), volume("b"), tmp_path / "n.npy"])
    assert notes == [
        "warning: 1 of 3 volumes do not state their voxel spacing, it is taken for 1 mm"
    ]


def test_ct_is_stored_in_hounsfield_units_and_pictures_of_ct_as_pictures(volume, picture) -> None:
    layout, *_, notes = run([volume("a"), volume("b")], "ct")
    assert (layout.storage, layout.kind, notes) == ("int16", "hu", [])
    layout, *_, notes = run([picture("a"), picture("b")], "ct")
    assert (layout.storage, layout.kind) == ("uint8", "display")
    assert notes == ["values are pictures, not Hounsfield units: stored as pictures"]
    assert run([volume("a")], "mri")[0].kind == "foreground_zscore"


def test_unreadable_headers_are_problems_and_the_run_goes_on(picture, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(picture("a").read_bytes()[:20])
    (tmp_path / "empty.png").touch()
    layout, fitting, problems, _ = run([bad, picture("a"), tmp_path / "empty.png"])
    assert (layout.dims, len(fitting)) == (2, 1)
    assert {problem.key for problem in problems} == {"bad.png", "empty.png"}


def test_nothing_readable_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError, match=r"got 1 that are not.*this file is empty"):
        run([tmp_path / "empty.png"])


@pytest.mark.parametrize("fault", [MemoryError, RecursionError])
def test_a_header_that_breaks_the_machine_is_a_problem(
    picture, fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    from anlage.data import _survey

    real = _survey.read_header

    def fragile(source, limits):
        if source.paths[0].name == "b.png":
            raise fault
        return real(source, limits)

    monkeypatch.setattr(_survey, "read_header", fragile)
    _, fitting, problems, _ = run([picture("a"), picture("b")])
    assert len(fitting) == 1
    assert problems[0].reason.endswith(f"got a {fault.__name__}")


def pictures(folder: Path, channels: int) -> list[Path]:
    """Two pictures: grey, or in colour."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{channels}-{number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 255, (20, 20, channels), np.uint8)
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path)
    return paths


COLOUR = {"dermoscopy", "endoscopy", "fundus", "histology"}
GREY = {"ct", "cxr", "mammography", "mri", "oct", "pet"}


def test_colours_that_a_modality_does_not_have_are_a_warning(tmp_path: Path) -> None:
    for modality in available("modalities"):
        grey = run(pictures(tmp_path, 1), modality)[3]
        colour = run(pictures(tmp_path, 3), modality)[3]
        assert any("all images are grey" in note for note in grey) == (modality in COLOUR)
        assert any("images in colour" in note for note in colour) == (modality in GREY)


def test_the_warning_names_what_was_seen_and_what_to_do(tmp_path: Path) -> None:
    (note,) = run(pictures(tmp_path, 1), "histology")[3]
    assert note.startswith(
        "warning: all images are grey, histology (stained tissue) is in colour. If the modality "
        "is wrong, prepare anew with the right --modality and --overwrite"
    )


def test_grey_pictures_saved_as_colour_count_as_grey(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (20, 20, 1), np.uint8)
    Image.fromarray(np.repeat(grey, 3, axis=2)).save(tmp_path / "a.png")
    assert run([tmp_path / "a.png"], "cxr")[3] == []
    assert "all images are grey" in run([tmp_path / "a.png"], "dermoscopy")[3][0]


def test_three_channels_of_values_are_no_colours(tmp_path: Path) -> None:
    path = tmp_path / "three.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 6, 3), np.int16), np.eye(4)), path)
    layout, *_, notes = run([path], "mri")
    assert (layout.channels, notes) == (3, [])


def test_volumes_of_a_modality_of_pictures_are_a_warning(volume) -> None:
    notes = run([volume("a")], "cxr")[3]
    assert any("the images are 3D, chest X-ray is 2D" in note for note in notes)
