"""Label maps: class numbers where the image lies, and one meaning of 255 for all of a store."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data._label_map import LabelMap, decide, parse_asked, read_label_map
from anlage.data.readers import Limits, RawImage, Source, read_image
from anlage.errors import ConfigError, DataError


@pytest.fixture
def plane() -> RawImage:
    return RawImage(pixels=np.zeros((1, 40, 40), np.uint8), bits=8, unit="display")


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Source]:
    def write(pixels, name: str = "m.png", **save) -> Source:
        picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
        picture.save(tmp_path / name, **save)
        return Source(paths=(tmp_path / name,))

    return write


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., Source]:
    def write(voxels, name: str = "m.nii", *, affine=None) -> Source:
        path = tmp_path / name
        nib.save(nib.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
        return Source(paths=(path,))

    return write


def refused(source: Source, image: RawImage, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_label_map(source, image, Limits())


def read(source: Source, image: RawImage) -> LabelMap:
    return read_label_map(source, image, Limits())


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ((0,), "nothing"),
        ((0, 255), "white"),
        ((255,), "white"),
        ((0, 1), "numbers"),
        ((0, 1, 255), "both"),
        ((1, 254, 255), "numbers"),  # a class that counting has come to
        ((0, 255, 256), "numbers"),
    ],
)
def test_numbers_stay_and_what_they_say_of_255_is_kept(plane, picture, values, holds) -> None:
    pixels = np.resize(np.array(values, np.uint8 if max(values) < 256 else np.uint16), (40, 40))
    found = read(picture(pixels), plane)
    np.testing.assert_array_equal(found.classes, pixels)
    assert (found.holds, found.notes) == (holds, ())


def test_one_bit_says_nothing_of_255(plane, picture) -> None:
    is_inside = np.arange(1600).reshape(40, 40) % 3 == 0
    found = read(picture(is_inside), plane)
    np.testing.assert_array_equal(found.classes, is_inside)
    assert found.holds == "nothing"


def test_more_than_255_classes_take_the_wider_type(plane, picture) -> None:
    for top, dtype in ((255, np.uint8), (256, np.int16), (32_767, np.int16)):
        pixels = (np.arange(1600) % (top + 1)).astype(np.uint16)
        pixels[-1] = top
        found = read(picture(pixels.reshape(40, 40)), plane)
        np.testing.assert_array_equal(found.classes.ravel(), pixels)
        assert found.classes.dtype == dtype
    refused(picture(np.full((40, 40), 32_768, np.uint16)), plane, "count to 32,767, got 32,768")


def test_colours_are_no_class_numbers(plane, picture) -> None:
    colours = np.zeros((40, 40, 3), np.uint8)
    colours[:20, :, 0] = 200
    refused(picture(colours), plane, "must have one channel, got a coloured one")
    palette = Image.fromarray((np.arange(1600) % 3).astype(np.uint8).reshape(40, 40))
    palette.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    refused(picture(palette), plane, "must have one channel")


def test_grey_that_is_saved_as_colour_is_read(plane, picture) -> None:
    classes = (np.arange(1600) % 4).astype(np.uint8).reshape(40, 40)
    for saved in (
        np.stack([classes] * 3, axis=-1),
        np.stack([*[classes] * 3, 0 * classes + 255], -1),
    ):
        np.testing.assert_array_equal(read(picture(saved), plane).classes, classes)
    palette = Image.fromarray((classes > 1).astype(np.uint8))
    palette.putpalette([0, 0, 0, 255, 255, 255])
    assert read(picture(palette), plane).holds == "white"


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_black_and_white_jpeg_is_cut_at_half(picture, quality: int) -> None:
    rows, columns = np.mgrid[:96, :96]
    disc = np.where((rows - 40) ** 2 + (columns - 50) ** 2 < 500, 255, 0).astype(np.uint8)
    image = RawImage(pixels=disc[None], bits=8, unit="display")
    source = picture(disc, "m.jpg", quality=quality)
    assert len(np.unique(read_image(source, Limits()).pixels)) > 2
    found = read(source, image)
    assert (found.classes != disc).mean() < 0.002
    assert set(np.unique(found.classes)) == {0, 255}
    assert found.holds == "white"
    assert "JPEG" in found.notes[0]
    empty = read(picture(0 * disc, "e.jpg"), image)
    assert not empty.classes.any()


def test_a_jpeg_of_class_numbers_or_of_greys_is_refused(plane, picture) -> None:
    classes = (np.arange(1600) % 4).astype(np.uint8).reshape(40, 40)
    refused(picture(classes, "m.jpg"), plane, "JPEG changes them.* Save it as PNG")
    ramp = (np.arange(1600) * 255 // 1599).astype(np.uint8).reshape(40, 40)
    refused(picture(ramp, "m.jpg"), plane, "JPEG changes them")


SPACE = (8, 9, 10)


@pytest.fixture
def scan(volume) -> RawImage:
    return read_image(volume(np.ones(SPACE, np.int16), "i.nii"), Limits())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_count_where_they_are_whole(scan, volume, dtype) -> None:
    classes = (np.arange(720) % 7).reshape(SPACE)
    found = read(volume(classes.astype(dtype)), scan)
    np.testing.assert_array_equal(found.classes, classes)
    assert found.classes.dtype == np.uint8
    nearly = classes + np.float32(2e-4)
    np.testing.assert_array_equal(read(volume(nearly.astype(dtype)), scan).classes, classes)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.5, "got fractions or negative values"),
        (1.01, "got fractions"),
        (-1.0, "got fractions or negative"),
        (np.nan, "got NaN or infinity"),
        (np.inf, "got NaN or infinity"),
        (4e4, "count to 32,767"),
    ],
)
def test_one_voxel_that_is_no_class_number_is_refused(scan, volume, value, words) -> None:
    voxels = np.ones(SPACE, np.float32)
    voxels[3, 4, 5] = value
    refused(volume(voxels), scan, words)


def moved(kind: str, amount: float) -> np.ndarray:
    affine = np.eye(4)
    if kind == "shift":
        affine[1, 3] = amount
    elif kind == "turn":
        angle = amount / np.hypot(SPACE[0] - 1, SPACE[1] - 1)
        affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    else:
        affine[2, 2] = 1 + amount / (SPACE[2] - 1)
    return affine


@pytest.mark.parametrize("kind", ["shift", "turn", "stretch"])
def test_a_label_map_may_lie_off_by_less_than_a_quarter_of_a_voxel(scan, volume, kind) -> None:
    voxels = np.ones(SPACE, np.uint8)
    assert read(volume(voxels, affine=moved(kind, 0.2)), scan).holds == "numbers"
    refused(volume(voxels, affine=moved(kind, 0.3)), scan, "corners are up to 0.3 mm apart")
    refused(volume(voxels, affine=moved(kind, 3.0)), scan, r"corners are up to (3|2\.\d+) mm apart")


def test_a_small_turn_of_a_large_volume_moves_its_far_corner(volume) -> None:
    space = (200, 3, 3)
    scan = read_image(volume(np.ones(space, np.int16), "i.nii"), Limits())
    affine = np.eye(4)
    affine[1, 0] = 0.005
    refused(volume(np.ones(space, np.uint8), affine=affine), scan, "up to 0.995 mm apart")


def test_a_mirrored_label_map_without_a_place_is_refused(scan, volume, tmp_path: Path) -> None:
    """One of the two was turned to RAS+ and the other not: nobody knows whether they meet."""
    np.save(tmp_path / "m.npy", np.ones(SPACE, np.uint8))
    without = Source(paths=(tmp_path / "m.npy",), entry=None)
    bare = read_image(without, Limits())
    if bare.pixels.shape == scan.pixels.shape:
        assert read(without, scan).classes.all()
    flipped = np.diag([-1.0, 1, 1, 1])
    turned = read_image(volume(np.ones(SPACE, np.int16), "t.nii", affine=flipped), Limits())
    refused(without, turned, "only one of the two has an affine")
    refused(volume(np.ones(SPACE, np.uint8), affine=flipped), bare, "only one of the two")


def test_255_is_white_only_if_no_label_map_says_otherwise() -> None:
    assert decide(["white", "nothing", "white"], "auto")[0] == "black_white"
    assert decide(["white", "numbers"], "auto")[0] == "numbers"
    assert decide(["white", "both"], "auto")[0] == "numbers"
    assert decide(["both"], "auto")[0] == "numbers"
    for quiet in ([], ["nothing"], ["numbers", "nothing"]):
        assert decide(quiet, "auto") == ("numbers", "", ())


def test_the_order_of_label_maps_does_not_matter() -> None:
    found = ("white", "white", "both", "numbers", "nothing")
    assert len({decide(order, "auto") for order in itertools.permutations(found)}) == 1


def test_the_evidence_counts_the_label_maps_and_doubt_is_a_caveat() -> None:
    _, evidence, doubts = decide(["white", "white", "both", "numbers", "nothing"], "auto")
    assert evidence == (
        "label maps: 255 is read as a class of its own; of 5, 2 hold only 0 and 255, 1 hold 255 "
        "beside other classes, 1 hold other classes only"
    )
    (doubt,) = doubts
    assert doubt.startswith("warning: label maps hold 255 and other classes")
    assert decide(["white"], "auto")[1:] == (
        "label maps: 255 is read as class 1; of 1, 1 hold only 0 and 255, 0 hold 255 beside other "
        "classes, 0 hold other classes only",
        (),
    )


def test_what_the_user_asks_for_goes_before_what_is_found() -> None:
    meaning, evidence, doubts = decide(["white", "numbers"], "black_white")
    assert (meaning, doubts) == ("black_white", ())
    assert "255 is read as class 1, as asked;" in evidence
    assert decide(["white"], "numbers")[0] == "numbers"
    assert parse_asked("black_white") == "black_white"
    with pytest.raises(ConfigError, match="auto, numbers or black_white, got 'white'"):
        parse_asked("white")
