"""The canvas and the outlines: places in mm, exact areas, noise that is the same at every size."""

import numpy as np
import pytest

from anlage.data.phantoms._canvas import Canvas, cover, steps
from anlage.data.phantoms._spots import Spot, draw_spots


def spot(diameter_mm=8.0, wavy=0.15, stretch=1.3):
    canvas = Canvas(256, 32.0)
    likely = np.ones((256, 256), np.float32)
    likely[:100] = likely[-100:] = 0
    likely[:, :100] = likely[:, -100:] = 0
    rng = np.random.default_rng(3)
    return canvas, draw_spots(rng, canvas, likely, [diameter_mm], wavy=wavy, stretch=stretch)[0]


@pytest.mark.parametrize("diameter_mm", [3.0, 8.0, 14.0])
def test_an_outline_has_the_area_of_its_disc(diameter_mm):
    canvas, one = spot(diameter_mm)
    inside = one.radius(canvas.x, canvas.y) <= 1
    assert inside.sum() * canvas.pixel_mm**2 == pytest.approx(np.pi / 4 * diameter_mm**2, rel=0.02)


def test_an_outline_is_the_formula():
    one = Spot(
        x_mm=1,
        y_mm=2,
        diameter_mm=6,
        angle=0,
        stretch=1,
        heights=np.array([0.2, 0, 0, 0, 0, 0]),
        phases=np.zeros(6),
    )
    norm = np.sqrt(1 + 0.2**2 / 2)
    for turn in (0.3, 2.0, -1.0):
        border = 3 * (1 + 0.2 * np.cos(2 * turn)) / norm
        x, y = (np.array([[1 + border * np.cos(turn)]]), np.array([[2 + border * np.sin(turn)]]))
        assert one.radius(x, y).item() == pytest.approx(1, abs=1e-5)


def test_outlines_keep_apart_and_out_of_what_is_barred():
    canvas = Canvas(96, 48.0)
    likely = np.zeros((96, 96), np.float32)
    likely[:, 48:] = 1
    spots = draw_spots(np.random.default_rng(1), canvas, likely, [4.0] * 5, wavy=0.1, stretch=1.2)
    places = np.array([(one.x_mm, one.y_mm) for one in spots])
    assert (places[:, 0] >= -0.25).all()
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert gaps[~np.eye(5, dtype=bool)].min() > 4.4


def test_no_room_left_is_no_fault():
    canvas = Canvas(16, 16.0)
    likely = np.zeros((16, 16), np.float32)
    likely[8, 8] = 1
    spots = draw_spots(np.random.default_rng(1), canvas, likely, [6.0, 6.0], wavy=0, stretch=1)
    assert len(spots) == 2


def test_noise_has_variance_1_and_the_same_features_at_every_size():
    canvases = Canvas(64, 40.0), Canvas(128, 40.0)
    coarse, fine = (canvas.noise(np.random.default_rng(5), 4.0) for canvas in canvases)
    assert fine.std() == pytest.approx(1, abs=0.15)
    blocks = fine.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), blocks.ravel())[0, 1] > 0.99
    down = Canvas(64, 40.0).noise(np.random.default_rng(5), 2.0, 20.0)
    assert np.abs(np.diff(down, axis=1)).mean() > 3 * np.abs(np.diff(down, axis=0)).mean()


def test_ink_covers_the_area_of_strokes_and_polygons():
    canvas = Canvas(64, 64.0)
    line = canvas.strokes([([(-20, 0), (20, 0)], 4.0, 0.5)])
    assert line.sum() == pytest.approx(0.5 * 40 * 4, rel=0.1)
    rows, columns = np.nonzero(line)
    assert 31 <= rows.mean() <= 32.5
    assert columns.min() == pytest.approx(12, abs=1)
    square = canvas.polygons([([(0, 0), (10, 0), (10, 10), (0, 10)], 1.0)])
    assert square.sum() == pytest.approx(100, rel=0.1)
    assert square[:31].sum() == square[:, :31].sum() == 0


def test_covers_and_steps():
    distance = np.array([-3, -0.5, 0, 0.5, 3], np.float32)
    assert cover(distance, 2.0).tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert steps(distance, -0.5, 0.5).tolist() == [0, 0, 0.5, 1, 1]
    disc = Canvas(128, 64.0)
    inside = disc.ellipse(2, -3, 10, 6, 30) < 0
    assert inside.sum() * 0.25 == pytest.approx(np.pi * 60, rel=0.02)
    rows, columns = np.nonzero(inside)
    assert np.cov(rows, columns)[0, 1] > 0  # clockwise: down to the right
