"""Where an audit ends red and proposes nothing, it says which step to turn off, or why not."""

from dataclasses import replace

import pytest

from anlage.alignment.auditor import Finding, Numbers
from anlage.alignment.by_hand import next_by_hand
from anlage.alignment.correct import Correction
from anlage.alignment.intervals import ProbeScore, Share
from anlage.alignment.measure import Audit

FINE = Share(value=0.02, low=0.01, high=0.03)
BAD = Share(value=0.4, low=0.3, high=0.5)
WIDE = Share(value=0.4, low=-0.2, high=0.8)
CLEAR = ProbeScore(value=0.9, low=0.8, high=0.95, kind="AUROC", chance=0.5)
WEAK = replace(CLEAR, value=0.62, low=0.52)

PLAIN = Audit(
    images=80,
    patients=40,
    lesion_images=40,
    clean=CLEAR,
    can_measure_signal=True,
    findings=(),
    whole=Numbers(erased=FINE),
    pairs_keep=None,
    by_size=(),
    smallest_mm=(2.0, 4.0),
    site={},
    background={},
    site_light="unknown",
    negatives=None,
    least=Share(value=0.97),
    limited_by=None,
    kept_parts={},
    corrections=(),
)


def red(name, **numbers):
    return Finding(name=name, light="red", at={1.0: Numbers(**numbers)})


def told(*findings, **changes):
    return next_by_hand(replace(PLAIN, findings=findings, **changes))


def test_nothing_is_to_be_done_where_nothing_is_red_or_a_correction_is_proposed():
    fix = Correction(name="crop", says="crop less", change={})
    assert told() is None
    assert told(red("crop", erased=BAD), corrections=(fix,)) is None


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        ("crop", "augmentation.crop_scale: [1.0, 1.0]"),
        ("mask", "augmentation.mask.ratio"),
        ("hue_saturation", "augmentation.views.hue_saturation: null"),
    ],
)
def test_a_red_part_is_named_with_the_setting_that_turns_it_off(name, switch):
    assert switch in told(red(name, kept=BAD))


def test_a_red_whole_names_the_part_that_takes_most():
    mild, grave = (
        Finding(name=name, light="green", at={1.0: Numbers(erased=Share(value=share))})
        for name, share in (("flip", 0.01), ("rotate", 0.09))
    )
    found = told(mild, grave, whole=Numbers(erased=BAD))
    assert found.startswith("no part alone is red")
    assert "views.rotate: null" in found
    assert "flip" not in found
    assert "another method" in told(whole=Numbers(erased=BAD))


@pytest.mark.parametrize(
    ("changes", "is_weak"),
    [
        ({"clean": WEAK}, True),
        ({"whole": Numbers(kept=WIDE)}, True),
        ({}, False),
        ({"clean": WEAK, "whole": Numbers(hidden=BAD)}, False),
        ({"clean": WEAK, "pairs_keep": BAD}, False),
    ],
)
def test_a_weak_signal_blames_no_part(changes, is_weak):
    said = told(red("crop", kept=BAD), **changes)
    assert ("too weak to judge on 80 images" in said) == is_weak
    assert ("crop_scale" in said) != is_weak


def test_lesions_that_are_lost_are_judged_however_weak_the_label():
    assert "crop_scale" in told(red("crop", kept=BAD, erased=BAD), clean=WEAK)
    assert "crop_scale" in told(red("crop", erased=BAD), clean=WEAK)


def test_a_site_that_can_be_read_is_not_passed_over():
    assert "between sites" in told(site_light="red")
