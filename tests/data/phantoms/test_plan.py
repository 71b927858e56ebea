"""Labels and sites: independent unless the shortcut dial ties them."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms._plan import Plan, box_of, draw_plan, generator, lesion_labels
from anlage.errors import ConfigError

KINDS = ("bright", "ring", "dark")


def plans(n=1200, range_mm=(12, 36), **dials):
    config = CohortConfig(**dials)
    return [draw_plan(config, KINDS, patient, range_mm) for patient in range(n)]


def p_value(first, second):
    rows, columns = sorted(set(first)), sorted(set(second))
    counts = Counter(zip(first, second, strict=True))
    return stats.chi2_contingency([[counts[a, b] for b in columns] for a in rows]).pvalue


def test_without_shortcut_all_is_independent_of_the_class():
    drawn = plans(num_sites=4)
    lesions = [plan.lesion for plan in drawn]
    assert p_value(lesions, [plan.site for plan in drawn]) > 0.01
    assert p_value(lesions, [int(plan.age > 55) for plan in drawn]) > 0.01
    assert p_value(lesions, [int(plan.diameter_mm > 24) for plan in drawn]) > 0.01


def test_a_full_shortcut_makes_the_site_tell_the_class():
    by_lesion = {}
    for plan in plans(num_sites=4, shortcut=1):
        by_lesion.setdefault(plan.lesion, set()).add(plan.site)
    assert by_lesion == {"none": {0}, "bright": {1}, "ring": {2}, "dark": {3}}


@pytest.mark.parametrize("shortcut", [0.3, 0.7])
def test_a_shortcut_is_the_share_of_tied_patients(shortcut):
    site_of = {"none": 0, "bright": 1, "ring": 2, "dark": 3}
    drawn = plans(num_sites=4, shortcut=shortcut)
    agree = np.mean([plan.site == site_of[plan.lesion] for plan in drawn])
    assert agree == pytest.approx(shortcut + (1 - shortcut) / 4, abs=0.04)


def test_shares_and_ranges_are_as_dialled():
    drawn = plans(lesion_share=0.6, range_mm=(20, 30), num_sites=2)
    shares = {name: n / len(drawn) for name, n in Counter(p.lesion for p in drawn).items()}
    assert shares == pytest.approx({"none": 0.4, **dict.fromkeys(KINDS, 0.2)}, abs=0.04)
    sizes = np.array([plan.diameter_mm for plan in drawn])
    assert sizes.min() >= 20
    assert sizes.max() <= 30
    assert np.ptp(sizes) > 9.5
    assert {plan.site for plan in drawn} == {0, 1}
    assert all(plan.lesion_mm == (plan.diameter_mm if plan.has_lesion else 0) for plan in drawn)


def test_one_dial_changes_one_property():
    base = plans(50)
    healthy = plans(50, lesion_share=0)
    other = plans(50, classes=("dark",), num_sites=5)
    for a, b, c in zip(base, healthy, other, strict=True):
        assert (a.kind, a.diameter_mm, a.age, a.site) == (b.kind, b.diameter_mm, b.age, b.site)
        assert (a.has_lesion, a.diameter_mm, a.age) == (c.has_lesion, c.diameter_mm, c.age)
        assert b.lesion == "none"
        assert c.kind == "dark"


def test_numbers_and_marks_are_as_dialled():
    drawn = plans(lesions=(1, 3), marked_share=0.4)
    numbers = Counter(len(plan.diameters_mm) for plan in drawn)
    shares = {number: n / len(drawn) for number, n in numbers.items()}
    assert shares == pytest.approx(dict.fromkeys((1, 2, 3), 1 / 3), abs=0.05)
    ill = [plan for plan in drawn if plan.has_lesion]
    assert np.mean([plan.is_marked for plan in ill]) == pytest.approx(0.4, abs=0.05)
    assert not any(plan.is_marked for plan in drawn if not plan.has_lesion)
    assert all(12 <= size <= 36 for plan in drawn for size in plan.diameters_mm)
    assert all(plan.lesion_mm == max(plan.diameters_mm) for plan in ill)
    for one, more in zip(plans(50), drawn, strict=False):
        assert (one.site, one.kind, one.diameter_mm) == (more.site, more.kind, more.diameter_mm)


def test_labels_add_up_the_lesions():
    plan = Plan(has_lesion=True, kind="ring", diameters_mm=(4.0, 2.0), age=50, site=0)
    flat, solid = lesion_labels(plan, dims=2), lesion_labels(plan, dims=3)
    assert (flat["lesion"], flat["lesion_mm"], flat["num_lesions"]) == ("ring", 4.0, 2.0)
    assert flat["lesion_area_mm2"] == pytest.approx(np.pi * 5, rel=1e-3)
    assert solid["lesion_volume_mm3"] == pytest.approx(np.pi / 6 * 72, rel=1e-3)
    well = Plan(has_lesion=False, kind="ring", diameters_mm=(4.0,), age=50, site=0)
    assert list(lesion_labels(well, dims=2).values()) == ["none", 0, 0, 0]


def test_a_kind_that_the_phantom_lacks_is_refused():
    with pytest.raises(ConfigError, match=r"among bright, ring, dark, got 'rign'.*'ring'"):
        draw_plan(CohortConfig(classes=("rign",)), KINDS, 0, (12, 36))


def test_purposes_and_patients_share_no_numbers():
    draws = {
        float(generator(seed, purpose, index).random())
        for seed in (0, 1)
        for purpose in ("a", "b")
        for index in (0, 1)
    }
    assert len(draws) == 8


def test_boxes_are_tight_and_empty_masks_have_none():
    mask = np.zeros((6, 7), np.uint8)
    assert box_of(mask, "ring") == ()
    mask[2:4, 3] = 1
    mask[3, 5] = 1
    (box,) = box_of(mask, "ring")
    assert (box.low, box.high, box.label) == ((2, 3), (4, 6), "ring")
