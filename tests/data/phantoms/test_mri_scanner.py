"""Each part of an acquisition does what it says, and each differs between strong sites."""

from dataclasses import replace

import numpy as np
import pytest

from anlage.data.phantoms._mri_head import Grid
from anlage.data.phantoms._mri_scanner import Scanner, draw_scanner

AXIS = ((np.arange(48) - 23.5) * 4).astype(np.float32)
GRID = Grid(axes_mm=(AXIS, AXIS, AXIS), pixel_mm=4.0, dims=3)
PLAIN = Scanner(bias=np.zeros((5, 5, 5), np.float32), fwhm_mm=0, blur_axis=0, noise=0, gamma=1)


def acquire(scanner, t1, seed=0):
    return scanner.acquire(t1, GRID, np.random.default_rng(seed))


def flat(value):
    return np.full((48, 48, 48), value, np.float32)


def test_a_plain_scanner_changes_nothing_but_clips():
    t1 = np.random.default_rng(1).uniform(0, 1.2, (48, 48, 48)).astype(np.float32)
    np.testing.assert_allclose(acquire(PLAIN, t1), np.clip(t1, 0, 1), atol=1e-6)


def test_noise_is_rician():
    scanner = replace(PLAIN, noise=0.05)
    air, tissue = acquire(scanner, flat(0)), acquire(scanner, flat(0.5))
    assert air.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.01)
    assert air.std() == pytest.approx(0.05 * np.sqrt(2 - np.pi / 2), rel=0.01)
    assert tissue.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_blur_runs_along_its_axis_and_has_its_width(axis):
    point = flat(0)
    point[24, 24, 24] = 1
    image = acquire(replace(PLAIN, fwhm_mm=12.0, blur_axis=axis), point)
    line = np.moveaxis(image, axis, 0)[:, 24, 24]
    assert line.sum() == pytest.approx(image.sum())
    variance = (line * (np.arange(48) - 24) ** 2).sum() / line.sum() * 4**2
    assert np.sqrt(variance) * 2.3548 == pytest.approx(12, rel=0.02)


def test_gamma_and_bias():
    np.testing.assert_allclose(acquire(replace(PLAIN, gamma=2), flat(0.5)), 0.25, atol=1e-6)
    gain = acquire(replace(PLAIN, bias=np.full((5, 5, 5), 0.3, np.float32)), flat(0.5))
    np.testing.assert_allclose(gain, 0.5 * np.exp(0.3), atol=1e-5)


def test_strength_scales_every_part_of_a_signature():
    def draw(site, strength):
        rng = np.random.default_rng(7)
        return draw_scanner(rng, seed=0, site=site, site_strength=strength, dims=3)

    first, second = draw(0, 0), draw(1, 0)
    assert np.array_equal(first.bias, second.bias)
    assert first.fwhm_mm == second.fwhm_mm == 0
    assert (first.noise, first.gamma) == (second.noise, second.gamma)
    for strength in (0.5, 1.0):
        weak, strong = draw(0, strength), draw(1, strength)
        for name in ("fwhm_mm", "noise"):
            full = getattr(draw(1, 1.0), name) - getattr(draw(0, 1.0), name)
            assert abs(full) > 1e-3
            assert getattr(strong, name) - getattr(weak, name) == pytest.approx(strength * full)
        assert np.log(strong.gamma / weak.gamma) == pytest.approx(
            strength * np.log(draw(1, 1.0).gamma / draw(0, 1.0).gamma)
        )
        assert np.abs(strong.bias - weak.bias).std() > 0.05 * strength


def test_a_site_has_one_signature_and_scans_vary():
    scans = [
        draw_scanner(np.random.default_rng(n), seed=0, site=2, site_strength=1, dims=2)
        for n in range(2)
    ]
    assert scans[0].fwhm_mm == scans[1].fwhm_mm
    assert scans[0].blur_axis == scans[1].blur_axis < 2
    assert scans[0].noise != scans[1].noise
    assert scans[0].noise == pytest.approx(scans[1].noise, abs=0.01)
    assert np.abs(scans[0].bias - scans[1].bias).max() > 0
