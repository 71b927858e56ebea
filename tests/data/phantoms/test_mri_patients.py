"""Virtual brains: what sites, a shortcut and age do to the images of patients."""

import numpy as np
from scipy import ndimage, stats

from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms._mni152 import load_anatomy
from anlage.data.phantoms._mri_head import Grid, draw_head
from anlage.data.phantoms.mri import Mri

PHANTOM = Mri()


def draw(patient, **dials):
    return PHANTOM.draw(CohortConfig(**dials), patient)


def draw_many(n, **dials):
    return [draw(patient, **dials) for patient in range(n)]


def pixels(case):
    return np.stack([picture.pixels for picture in case.pictures]).astype(int)


def test_sites_of_strength_zero_cannot_be_told_apart():
    one, three = draw_many(6, num_sites=1, site_strength=0), draw_many(6, site_strength=0)
    assert {case.site for case in three} == {"site-1", "site-2", "site-3"}
    assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(one, three, strict=True))
    three_d = {"dims": 3, "size": 32, "lesion_mm": (12, 30), "site_strength": 0}
    assert np.array_equal(
        pixels(draw(2, **three_d, num_sites=1)), pixels(draw(2, **three_d, num_sites=3))
    )


def test_strong_sites_have_signatures():
    cases = draw_many(45, site_strength=1)
    air = {site: [] for site in ("site-1", "site-2", "site-3")}
    for case in cases:
        air[case.site].append(np.sqrt(case.pictures[0].pixels[0, :8, :8].mean()))
    groups = list(air.values())
    # The noise in the air beside the head is a property of the site.
    assert stats.f_oneway(*groups).pvalue < 1e-9
    assert max(map(np.std, groups)) < np.ptp(list(map(np.mean, groups))) / 3


def test_the_shortcut_dial_reaches_the_sites():
    cases = draw_many(25, num_sites=4, shortcut=1, size=32)
    pairs = {(case.site, case.labels["lesion"]) for case in cases}
    assert pairs == {
        ("site-1", "none"),
        ("site-2", "bright"),
        ("site-3", "ring"),
        ("site-4", "dark"),
    }


def test_brains_age():
    axis = ((np.arange(48) - 23.5) * 4).astype(np.float32)
    grid = Grid(axes_mm=(axis, axis, axis[20:28]), pixel_mm=4.0, dims=3)
    for patient in range(3):
        csf, ventricles = [], []
        for age in (25.0, 50.0, 80.0):
            head = draw_head(load_anatomy(4), grid, seed=0, patient=patient, age=age)
            csf.append(head.tissues[1].sum())
            ventricles.append(head.tissues[1][head.ventricles > 0.5].sum())
        assert csf == sorted(csf)
        assert csf[2] > 1.3 * csf[0]
        assert ventricles[2] > 1.2 * ventricles[0]


def test_age_shows_in_the_pictures():
    cases = draw_many(80, lesion_share=0, site_strength=0)
    ages, dark = [], []
    for case in cases:
        image = ndimage.gaussian_filter(pixels(case)[0, 0].astype(float), 0.7)
        brain = ndimage.binary_fill_holes(image > 70)
        ages.append(case.labels["age"])
        dark.append((image[ndimage.binary_erosion(brain, iterations=4)] < 105).mean())
    assert stats.spearmanr(ages, dark).statistic > 0.4


def test_age_groups_follow_age():
    bounds = {"under 45": (0, 45), "45 to 64": (45, 65), "65 and over": (65, 120)}
    found = set()
    for case in draw_many(30):
        low, high = bounds[case.labels["age_group"]]
        assert low <= case.labels["age"] < high
        found.add(case.labels["age_group"])
    assert found == set(bounds)


def test_a_nearest_neighbour_on_pixels_gains_little():
    cases = draw_many(240)
    images = np.stack([pixels(case).ravel() for case in cases]) / 255
    labels = np.array([case.labels["lesion"] for case in cases])
    distance = ((images[120:, None] - images[None, :120]) ** 2).sum(axis=2)
    right = labels[:120][distance.argmin(axis=1)] == labels[120:]
    assert right.mean() < 0.45  # chance is 0.25
