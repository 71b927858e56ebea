"""Lesion shapes: the size is exact, and the shape is not a ball."""

import numpy as np
import pytest

from anlage.data.phantoms._blobs import SUB, draw_blob

PIXEL_MM = 3.0
AXIS = (np.arange(24) - 11.5).astype(np.float32) * np.float32(PIXEL_MM)


def fill(blob, allowed=None, core_share=0.0):
    allowed = np.ones((24, 24, 24), bool) if allowed is None else allowed
    return blob.fill(allowed, (AXIS, AXIS, AXIS), pixel_mm=PIXEL_MM, dims=3, core_share=core_share)


@pytest.mark.parametrize("diameter_mm", [6.0, 20.0, 40.0])
def test_volume_is_that_of_the_ball(diameter_mm):
    whole, core = fill(draw_blob(np.random.default_rng(3), diameter_mm), core_share=0.6)
    volume = np.pi / 6 * diameter_mm**3 / PIXEL_MM**3
    assert whole.sum() == pytest.approx(volume, abs=1 / SUB**3)
    assert core.sum() == pytest.approx(0.6**3 * volume, abs=1 / SUB**3)
    assert (core <= whole).all()
    assert whole.max() <= 1


def test_a_slice_has_the_area_that_it_cuts_from_the_ball():
    blob = draw_blob(np.random.default_rng(4), 30.0)
    allowed = np.ones((24, 24, 1), bool)
    for height in (0.0, 7.5):
        axes = (AXIS, AXIS, np.array([height], np.float32))
        whole, _ = blob.fill(allowed, axes, pixel_mm=PIXEL_MM, dims=2, core_share=0)
        area = np.pi * (15**2 - height**2) / PIXEL_MM**2
        assert whole.sum() == pytest.approx(area, abs=1 / SUB**2)


def test_volume_is_kept_where_growth_is_barred():
    allowed = np.ones((24, 24, 24), bool)
    allowed[:12] = False
    blob = draw_blob(np.random.default_rng(5), 30.0)
    free, _ = fill(blob)
    barred, _ = fill(blob, allowed)
    assert barred[:12].sum() == 0
    assert barred.sum() == pytest.approx(free.sum(), abs=1 / SUB**3)


def test_shapes_are_neither_balls_nor_alike():
    blobs = [fill(draw_blob(np.random.default_rng(seed), 40.0))[0] > 0.5 for seed in (6, 7)]
    distance = np.linalg.norm(np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")), axis=0)
    ball = distance <= 20
    for blob in blobs:
        assert 0.6 < 2 * (blob & ball).sum() / (blob.sum() + ball.sum()) < 0.95
    assert (blobs[0] ^ blobs[1]).sum() > 0.1 * ball.sum()
