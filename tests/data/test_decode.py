"""One image on its way into the store: pixels, label map and boxes move together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data._decode import Layout, decode
from anlage.data.importers import Box, Record
from anlage.data.readers import Limits, Source
from anlage.errors import DataError
from anlage.modalities import calibrate

PICTURE = Layout(dims=2, channels=1, kind="display", storage="uint8")
WIDE = Layout(dims=2, channels=1, kind="display", storage="float16")
CT = Layout(dims=3, channels=1, kind="hu", storage="int16")
MRI = Layout(dims=3, channels=1, kind="foreground_zscore", storage="float16")


def record(image: Path, mask: Path | None = None, **known) -> Record:
    return Record(
        key="key",
        image=Source(paths=(image,)),
        mask=None if mask is None else Source(paths=(mask,)),
        **known,
    )


@pytest.fixture
def picture(tmp_path: Path, draw) -> Callable[..., Path]:
    def write(pixels=None, name: str = "a.png", **save) -> Path:
        path = tmp_path / name
        Image.fromarray(draw(0) if pixels is None else np.asarray(pixels)).save(path, **save)
        return path

    return write


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., Path]:
    def write(voxels, name: str = "a.nii", *, affine=None) -> Path:
        path = tmp_path / name
        nib.save(nib.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
        return path

    return write


def refused(task: tuple[Record, Layout], words: str) -> None:
    with pytest.raises(DataError, match=words):
        decode(task)


def test_a_16_bit_picture_keeps_its_full_range(picture) -> None:
    wide = np.random.default_rng(0).integers(0, 65536, (30, 40), np.uint16)
    found = decode((record(picture(wide)), WIDE))
    np.testing.assert_array_equal(found.image[0], (wide / 65535).astype(np.float16))
    eight = decode((record(picture(wide)), PICTURE))
    np.testing.assert_array_equal(eight.image[0], np.rint(wide / 65535 * 255).astype(np.uint8))


def test_an_8_bit_picture_is_stored_as_it_is(picture, draw) -> None:
    found = decode((record(picture()), PICTURE))
    np.testing.assert_array_equal(found.image[0], draw(0))
    assert found.image.flags.c_contiguous
    assert found.spacing_mm == (1.0, 1.0)
    assert not found.is_spacing_stated
    assert found.mask is None
    assert found.sha256[1] is None


def test_grey_joins_colour_and_colour_becomes_luma(picture) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    three = PICTURE.model_copy(update={"channels": 3})
    grey = decode((record(picture(colour[..., 0], "g.png")), three)).image
    np.testing.assert_array_equal(grey, np.repeat(colour[None, ..., 0], 3, axis=0))
    luma = decode((record(picture(colour, "c.png")), PICTURE)).image
    expected = colour.astype(float) @ (0.299, 0.587, 0.114)
    np.testing.assert_allclose(luma[0], expected, atol=0.5001)


def test_other_dims_and_channels_are_refused(picture, volume) -> None:
    refused((record(picture()), CT), "this store holds 3D images, got a 2D one")
    four = volume(np.zeros((3, 4, 5, 2), np.int16))
    refused((record(four), CT), "images of 1 channel, got 2")


def test_a_label_map_is_stored_as_its_file_has_it(picture, draw) -> None:
    black_white = np.where(draw(0) > 100, 255, 0).astype(np.uint8)
    found = decode((record(picture(), picture(black_white, "m.png")), PICTURE))
    np.testing.assert_array_equal(found.mask, black_white)
    assert found.mask_holds == "white"
    assert decode((record(picture()), PICTURE)).mask_holds is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_follow_a_picture_that_is_turned_upright(picture, orientation: int) -> None:
    pixels = np.zeros((20, 30), np.uint8)
    pixels[3:9, 5:16] = 200
    exif = Image.Exif()
    exif[274] = orientation
    box = Box(low=(3, 5), high=(9, 16), label="a")
    found = decode((record(picture(pixels, exif=exif), boxes=(box,)), PICTURE))
    r0, c0, r1, c1, label = found.boxes[0]
    inside = np.zeros_like(found.image[0])
    inside[int(r0) : int(r1), int(c0) : int(c1)] = 200
    np.testing.assert_array_equal(found.image[0], inside)
    assert label == "a"


AFFINES = {
    "RAS": np.diag([2.0, 1.0, 1.5, 1.0]),
    "LPS": np.diag([-2.0, -1.0, 1.5, 1.0]),
    "LAI": np.diag([-2.0, 1.0, -1.5, 1.0]),
    "SRA": np.array([[0, 1.0, 0, 5], [0, 0, 1.5, -3], [2.0, 0, 0, 9], [0, 0, 0, 1]]),
    "PIR": np.array([[0, 0, 1.5, 0], [-2.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("name", list(AFFINES))
def test_image_label_map_and_box_turn_to_ras_together(volume, name: str) -> None:
    voxels = np.zeros((8, 9, 10), np.int16)
    voxels[1:4, 2:7, 3:5] = 500
    affine = AFFINES[name]
    box = Box(low=(1, 2, 3), high=(4, 7, 5), label="a")
    image, mask = (
        volume(voxels, "i.nii", affine=affine),
        volume((voxels > 0).astype(np.uint8), "m.nii", affine=affine),
    )
    found = decode((record(image, mask, boxes=(box,)), CT))
    expected = nib.as_closest_canonical(nib.load(image))
    np.testing.assert_array_equal(found.image[0], np.asarray(expected.dataobj))
    np.testing.assert_array_equal(found.mask, found.image[0] > 0)
    np.testing.assert_allclose(found.spacing_mm, expected.header.get_zooms())
    assert found.is_spacing_stated
    corners = [int(corner) for corner in found.boxes[0][:-1]]
    window = tuple(slice(a, b) for a, b in zip(corners[:3], corners[3:], strict=True))
    assert found.mask[window].all()
    assert found.mask[window].sum() == found.mask.sum()


def test_volumes_flipped_left_to_right_are_stored_alike(volume) -> None:
    voxels = np.random.default_rng(0).integers(-500, 500, (6, 7, 8)).astype(np.int16)
    labels = (voxels > 100).astype(np.uint8)
    flipped = np.diag([-1.0, 1, 1, 1])
    flipped[0, 3] = 5
    one = decode((record(volume(voxels, "a.nii"), volume(labels, "b.nii")), CT))
    other = decode(
        (
            record(
                volume(voxels[::-1], "c.nii", affine=flipped),
                volume(labels[::-1], "d.nii", affine=flipped),
            ),
            CT,
        )
    )
    assert one.sha256 == other.sha256


def test_a_box_with_other_axes_than_its_image_is_refused(volume) -> None:
    box = Box(low=(1, 2), high=(4, 7), label="a")
    image = volume(np.zeros((8, 9, 10), np.int16))
    refused((record(image, boxes=(box,)), CT), "got a 2D box on a 3D image")


def test_a_picture_is_centred_on_its_canvas_with_labels_and_boxes(picture) -> None:
    pixels = np.full((20, 40), 50, np.uint8)
    pixels[4:12, 10:30] = 250
    box = Box(low=(4, 10), high=(12, 30), label="a")
    mask = picture((pixels > 100).astype(np.uint8), "m.png")
    layout = PICTURE.model_copy(update={"size": 80})
    found = decode((record(picture(pixels), mask, boxes=(box,)), layout))
    assert found.image.shape == (1, 80, 80)
    assert found.boxes == [[28.0, 20.0, 44.0, 60.0, "a"]]
    assert found.mask.sum() == found.mask[28:44, 20:60].sum() == 16 * 40
    assert (found.image[0, 30:42, 22:58] == 250).all()
    assert (found.image[0, :20] == 50).all()
    assert not found.mask[:20].any()
    assert found.spacing_mm == (0.5, 0.5)


def test_resampling_keeps_places_in_mm(volume) -> None:
    voxels = np.zeros((16, 20, 10), np.int16)
    voxels[4:12, 6:14, 2:6] = 1000
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    box = Box(low=(4, 6, 2), high=(12, 14, 6), label="a")
    image, mask = (
        volume(voxels, "i.nii", affine=affine),
        volume((voxels > 0).astype(np.uint8), "m.nii", affine=affine),
    )
    layout = CT.model_copy(update={"spacing_mm": (2.0, 2.0, 1.0)})
    found = decode((record(image, mask, boxes=(box,)), layout))
    assert found.image.shape == (1, 8, 10, 20)
    assert found.spacing_mm == (2.0, 2.0, 1.0)
    assert found.boxes == [[2.0, 3.0, 4.0, 6.0, 7.0, 12.0, "a"]]
    expected = np.zeros((8, 10, 20), bool)
    expected[2:6, 3:7, 4:12] = True
    np.testing.assert_array_equal(found.mask > 0, expected)
    centre = np.argwhere(found.image[0] > 500).mean(axis=0)
    np.testing.assert_allclose(centre, (3.5, 4.5, 7.5), atol=0.3)


def test_a_spacing_that_lies_costs_no_memory(volume) -> None:
    voxels = np.zeros((100, 100, 100), np.int16)
    layout = CT.model_copy(update={"spacing_mm": (1.0, 1.0, 1.0)})
    claimed = volume(voxels, affine=np.diag([700.0, 700.0, 700.0, 1.0]))
    refused((record(claimed), layout), "of 700x700x700 mm voxels would take 1,372,000,000,000,000")
    limits = Limits(max_bytes=4 * 120**3)
    for edge, fits in ((1.2, True), (1.21, False)):
        task = (
            record(volume(voxels, affine=np.diag([edge, edge, edge, 1.0]))),
            layout.model_copy(update={"limits": limits}),
        )
        if fits:
            assert decode(task).image.shape == (1, 120, 120, 120)
        else:
            refused(task, "Correct its spacing")


def test_what_is_resampled_stays_within_its_values(picture, draw) -> None:
    layout = PICTURE.model_copy(update={"size": 17})
    found = decode((record(picture()), layout))
    assert draw(0).min() <= found.image.min()
    assert found.image.max() <= draw(0).max()
    labels = (draw(0) > 128).astype(np.uint8) * 3
    found = decode((record(picture(), picture(labels, "m.png")), layout))
    assert set(np.unique(found.mask)) <= {0, 3}


def test_values_are_calibrated_image_by_image(volume) -> None:
    voxels = np.random.default_rng(0).normal(300, 90, (8, 9, 10)).astype(np.float32)
    found = decode((record(volume(voxels)), MRI))
    expected = calibrate(
        voxels[None], kind="foreground_zscore", storage="float16", bits=0, unit="arbitrary"
    )
    np.testing.assert_array_equal(found.image, expected)
    doubled = decode((record(volume(voxels * 2, "b.nii")), MRI))
    np.testing.assert_allclose(doubled.image, found.image, atol=4e-3)


def test_a_constant_image_is_stored_without_nan(volume) -> None:
    found = decode((record(volume(np.full((4, 4, 4), 7.0, np.float32))), MRI))
    assert not found.image.any()


def test_ct_without_a_unit_counts_as_hounsfield_and_windowed_ct_is_refused(volume) -> None:
    found = decode((record(volume(np.full((4, 4, 4), 5000, np.int16))), CT))
    assert (found.image == 3071).all()
    refused((record(volume(np.zeros((4, 4, 4), np.uint8))), CT), "these values are display")


def test_limits_of_the_layout_hold(picture) -> None:
    layout = PICTURE.model_copy(update={"limits": Limits(max_pixels_2d=100)})
    refused((record(picture()), layout), "up to 100 pixels")


def test_facts_and_repairs_are_kept(picture) -> None:
    exif = Image.Exif()
    exif[274] = 6
    found = decode((record(picture(exif=exif)), PICTURE))
    assert found.facts == {"notes": ["turned upright as its orientation tag says"]}


def test_repairs_of_the_label_map_are_kept(picture, draw) -> None:
    mask = picture(np.where(draw(0) > 100, 255, 0).astype(np.uint8), "m.jpg", quality=90)
    found = decode((record(picture(), mask), PICTURE))
    assert found.facts == {"notes": ["the label map is a JPEG: cut into black and white at half"]}


def test_channels_in_files_follow_the_first_one(volume) -> None:
    voxels = np.random.default_rng(0).integers(-200, 200, (4, 5, 6)).astype(np.int16)
    paths = [volume(voxels + n, f"{n}.nii", affine=AFFINES["LPS"]) for n in range(2)]
    box = Box(low=(0, 1, 2), high=(2, 3, 4), label="a")
    both = replace(record(paths[0], boxes=(box,)), image=Source(paths=tuple(paths)))
    found = decode((both, CT.model_copy(update={"channels": 2})))
    np.testing.assert_array_equal(found.image[0], voxels[::-1, ::-1])
    np.testing.assert_array_equal(found.image[1], found.image[0] + 1)
    assert found.boxes == [[2.0, 2.0, 2.0, 4.0, 4.0, 4.0, "a"]]
