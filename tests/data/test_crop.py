"""Crops equal plain slicing, wherever they lie and whatever they are written into."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data._crop import copy_crop, copy_inside
from anlage.errors import ShapeError


def edge_crop(image: np.ndarray, start: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The same by padding on all sides first."""
    wide = max(shape) + max(image.shape)
    padded = np.pad(image, [(0, 0), *[(wide, wide)] * len(shape)], mode="edge")
    window = tuple(slice(b + wide, b + wide + n) for b, n in zip(start, shape, strict=True))
    return padded[(slice(None), *window)]


@st.composite
def crops(draw):
    dims = draw(st.integers(2, 3))
    space = draw(st.tuples(*[st.integers(1, 9)] * dims))
    shape = draw(st.tuples(*[st.integers(1, 12)] * dims))
    start = tuple(
        draw(st.integers(-length + 1, edge - 1)) for length, edge in zip(shape, space, strict=True)
    )
    channels = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["uint8", "int16", "float16"]))
    return np.random.default_rng(0).integers(0, 200, (channels, *space)).astype(dtype), start, shape


@settings(max_examples=150, deadline=None)
@given(crops())
def test_what_lies_outside_repeats_the_edge(case) -> None:
    image, start, shape = case
    out = np.full((len(image), *shape), 7, image.dtype)
    copy_crop(image, start, shape, out)
    np.testing.assert_array_equal(out, edge_crop(image, start, shape))


@settings(max_examples=100, deadline=None)
@given(crops())
def test_a_label_map_is_left_alone_outside(case) -> None:
    image, start, shape = case
    out = np.zeros(shape, np.int16)
    copy_inside(image[0], start, shape, out)
    wide = 40
    padded = np.pad(image[0], wide)
    window = tuple(slice(b + wide, b + wide + n) for b, n in zip(start, shape, strict=True))
    np.testing.assert_array_equal(out, padded[window])


@pytest.mark.parametrize("start", [(50, 0), (-30, 0), (0, 8), (0, -3)])
def test_a_crop_beside_its_image_is_refused_and_its_label_map_empty(start) -> None:
    image = np.ones((1, 8, 8), np.uint8)
    with pytest.raises(ShapeError, match="must touch its image"):
        copy_crop(image, start, (3, 3), np.zeros((1, 3, 3), np.uint8))
    out = np.zeros((3, 3), np.uint8)
    copy_inside(image[0], start, (3, 3), out)
    assert not out.any()


@pytest.mark.parametrize("kind", ["another type", "gaps in its rows", "gaps between its rows"])
def test_the_target_may_be_laid_out_in_any_way(kind: str) -> None:
    image = np.arange(2 * 6 * 7, dtype=np.int16).reshape(2, 6, 7)
    out = {
        "another type": np.zeros((2, 3, 4), np.float32),
        "gaps in its rows": np.zeros((2, 3, 8), np.int16)[..., ::2],
        "gaps between its rows": np.zeros((2, 3, 8), np.int16)[..., :4],
    }[kind]
    copy_crop(image, (2, 1), (3, 4), out)
    np.testing.assert_array_equal(out, image[:, 2:5, 1:5])


def test_an_image_that_runs_backwards_in_memory_is_copied_too() -> None:
    image = np.arange(42, dtype=np.uint8).reshape(1, 6, 7)[..., ::-1]
    out = np.zeros((1, 2, 3), np.uint8)
    copy_crop(image, (1, 2), (2, 3), out)
    np.testing.assert_array_equal(out, image[:, 1:3, 2:5])
