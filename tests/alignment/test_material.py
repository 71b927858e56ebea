"""What a column of labels is taken for, and what boxes and label maps make a lesion."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from anlage.alignment.following import follow, found_lesions
from anlage.alignment.material import read_material, target_of
from anlage.transforms.views import Intensities, ViewPlan
from anlage.types import ViewSpec

CODES = [float(row % 15) for row in range(30)]
STORE = SimpleNamespace(label_names=["scanner"], labels=lambda name: CODES)


def test_many_codes_of_sites_are_classes_and_many_numbers_else_a_quantity():
    rows = np.arange(30)
    codes = target_of(STORE, rows, "scanner", is_site=True)
    assert len(codes.classes) == 15
    assert [codes.classes[int(value)] for value in codes.values] == [f"{c:g}" for c in CODES]
    quantity = target_of(STORE, rows, "scanner")
    assert quantity.classes == ()
    assert quantity.values.tolist() == CODES


class Boxed:
    """A store of empty images of one shape, with boxes and no label maps."""

    def __init__(self, shape, *boxes, masks=(), stated=None):
        self._shape, self._masks = shape, dict(masks)
        self.meta = SimpleNamespace(channels=1, dtype="uint8", spacing_mm=None)
        self.spacing_stated = stated
        self.index = pl.DataFrame({"boxes": [json.dumps(found) for found in boxes]})
        self.has_mask = np.array([row in self._masks for row in range(len(boxes))])
        self.spacing_mm = np.full((len(boxes), len(shape)), 2.0, dtype=np.float32)
        self.patients = np.arange(len(boxes))

    def shape(self, row):
        return (1, *self._shape)

    def crop(self, row, start, shape, out):
        out[:] = 0

    def crop_mask(self, row, start, shape, out):
        out[:] = self._masks[row]


def maps_of(shape, *boxes, region=None, **more):
    store = Boxed(shape, *boxes, **more)
    return read_material(store, np.arange(len(boxes)), region=region or shape, seed=0)


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 8)])
def test_a_box_is_a_lesion_in_the_plane_and_in_space(shape):
    dims = len(shape)
    low, high = [2.0, 3.0, 4.0][:dims], [6.0, 8.0, 5.0][:dims]
    material = maps_of(shape, [[*low, *high, "nodule"]], [])
    expected = np.zeros(shape)
    expected[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))] = 1
    np.testing.assert_array_equal(material.label_maps[0], expected)
    assert not material.label_maps[1].any()
    assert material.has_map.tolist() == [True, False]
    volume = expected.sum() * 2.0**dims
    assert found_lesions(material).measure[:, 0].tolist() == [volume, 0.0]


@pytest.mark.parametrize(("shape", "kept"), [((32, 32), 1 / 4), ((32, 32, 32), 1 / 8)])
def test_erasure_follows_boxes_as_closed_forms_say(shape, kept):
    """A box of all the image, and crops that show a known share of it."""
    dims = len(shape)
    material = maps_of(shape, *[[[0.0] * dims + [32.0] * dims + [None]]] * 2)
    plan = ViewPlan(
        size=(16,) * dims,
        intensities=Intensities(low=0, high=255, mean=(0.0,), std=(1.0,)),
        crop_scale=(kept, kept),
    )
    lesions = found_lesions(material)
    seen = follow(material, lesions, plan, ViewSpec(num_views=1), seed=0, draws=1)
    assert seen.retained[0, 0, :, 0].numpy() == pytest.approx([kept] * 2, rel=0.02)
    assert seen.erased().tolist() == [1.0, 1.0]


def test_boxes_move_with_the_crop_and_end_at_its_edges():
    image, region = (8, 8, 8), (12, 4, 8)  # padded by 2 before, cut anywhere, whole
    material = maps_of(image, [[-3.0, 0.0, 6.0, 3.0, 8.0, 99.0, "x"]], region=region)
    expected = np.zeros(region)
    expected[0:5, :, 6:8] = 1
    np.testing.assert_array_equal(material.label_maps[0], expected)


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ([3.1, 3.1, 3.4, 3.4], 1),  # smaller than a pixel
        ([2.6, 2.0, 4.4, 3.0], 2),
        ([20.0, 20.0, 30.0, 30.0], 0),  # outside
        ([-9.0, -9.0, -2.0, 4.0], 0),
        ([0.0, 0.0, 8.0, 8.0], 64),
    ],
)
def test_a_box_fills_at_least_the_pixel_that_it_lies_in_and_none_outside(box, pixels):
    material = maps_of((8, 8), [[*box, "x"]])
    assert int(material.label_maps.sum()) == pixels


def test_a_label_map_goes_before_boxes():
    mask = np.zeros((8, 8))
    mask[0, 0] = 3
    material = maps_of((8, 8), [[2.0, 2.0, 6.0, 6.0, "x"]], masks={0: mask})
    assert int(material.label_maps.sum()) == 3


def test_without_boxes_and_label_maps_there_are_none():
    material = maps_of((8, 8, 8), [], [])
    assert material.label_maps is None
    assert found_lesions(material) is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [(None, None), ([True, True], True), ([False, False], False), ([True, False], None)],
)
def test_millimetres_are_known_only_where_all_sources_state_them(stated, expected):
    known = None if stated is None else np.array(stated)
    store = Boxed((12, 10), [], [], stated=known)
    read = read_material(store, np.arange(2), region=(12, 10), seed=0)
    assert read.spacing_stated is expected
    store.meta.spacing_mm = (1.0, 1.0)
    assert read_material(store, np.arange(2), region=(12, 10), seed=0).spacing_stated is True
