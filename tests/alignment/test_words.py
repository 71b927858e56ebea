"""What is said follows from all that was measured: the headline, the advice and the numbers."""

from dataclasses import replace

import pytest

from anlage.alignment.auditor import Finding, Numbers
from anlage.alignment.correct import Checked
from anlage.alignment.intervals import ProbeScore, Share
from anlage.alignment.measure import Audit
from anlage.alignment.page import as_html
from anlage.alignment.pairs import Negatives
from anlage.alignment.rehearsal import Rehearsal
from anlage.alignment.words import advice, as_json, as_text

CODED = ProbeScore(value=1.0, low=0.98, high=1.0, kind="AUROC", chance=0.5)
HINTED = replace(CODED, value=0.75, low=0.65)
AT_CHANCE = replace(CODED, value=0.5, low=0.4, high=0.6)
FINE = Share(value=0.02, low=0.01, high=0.03)
BAD = Share(value=0.4, low=0.3, high=0.5)


def finding(light, name="crop"):
    return Finding(name=name, light=light, at={1.0: Numbers(erased=FINE)})


LOSES = Finding(name="crop", light="red", at={1.0: Numbers(kept=BAD)})
HIDES = Finding(name="mask", light="red", at={1.0: Numbers(hidden=BAD)})
PLAIN = Audit(
    images=80,
    patients=40,
    lesion_images=40,
    clean=None,
    can_measure_signal=False,
    findings=(finding("green"),),
    whole=Numbers(erased=FINE),
    pairs_keep=Share(value=0.97, low=0.95, high=0.99),
    by_size=(),
    smallest_mm=(2.0, 4.0),
    site={"site": AT_CHANCE},
    background={},
    site_light="green",
    negatives=None,
    least=Share(value=0.97),
    limited_by="pairs that keep the lesion",
    kept_parts={},
    corrections=(),
)


def page_of(audit):
    return as_html(audit, title="t", pictures={}, command="c", corrected="r")


def headline(audit):
    return page_of(audit).split("<h1>")[1].split("</h1>")[0]


def said(audit):
    return "\n".join(advice(audit))


def test_nothing_harmful_is_said_only_where_all_is_green():
    assert headline(PLAIN) == "Nothing that was measured is harmful."


def test_a_coded_site_is_in_the_headline():
    coded = replace(PLAIN, site={"site": CODED}, site_light="red")
    assert headline(coded).startswith("Site can be read from what stays the same across views")
    assert "Nothing" not in headline(replace(coded, findings=(finding("amber"),)))
    both = headline(replace(coded, findings=(LOSES,)))
    assert "Crop loses too much of what the task needs: keeps 0.40 [0.30, 0.50]. Site" in both
    hinted = headline(replace(PLAIN, site={"site": HINTED}, site_light="amber"))
    assert hinted == "Nothing is shown to be harmful; what views show of site may be."


@pytest.mark.parametrize(
    ("change", "lost", "why"),
    [
        (
            {"whole": Numbers(erased=BAD)},
            "leaves less than half of the lesion in 0.40 [0.30, 0.50] of views",
            "leaves less than half of the lesion in 40% of views (limit 10%)",
        ),
        (
            {"pairs_keep": BAD},
            "keeps the lesion in both views of 0.40 [0.30, 0.50] of pairs",
            "keeps the lesion in both views of 40% of pairs (limit 81%)",
        ),
        (
            {"whole": Numbers(kept=replace(BAD, low=-0.1))},
            "keeps 0.40 [0.00, 0.50]",
            "keeps 40% of the label&#39;s signal (limit 90%)",
        ),
    ],
)
def test_what_only_the_whole_plan_does_is_in_the_headline_and_has_its_reason(change, lost, why):
    harmful = replace(PLAIN, **change)
    told = f"The whole plan loses too much of what the task needs: {lost}."
    assert headline(harmful) == told
    assert f'<td class="why">{why}</td></tr>\n</tbody>' in page_of(harmful)
    assert f"but the whole plan is: it {why}." in said(harmful).replace("'", "&#39;")
    assert as_json(harmful)["whole_light"] == "red"
    assert "whole  RED" in as_text(harmful, title="t")


def test_a_whole_plan_that_may_be_harmful_is_too():
    maybe = replace(PLAIN, pairs_keep=Share(value=0.8, low=0.7, high=0.9))
    assert headline(maybe) == "Nothing is shown to be harmful; the whole plan may be."


def test_two_views_that_are_each_within_the_limit_are_no_harmful_pair():
    assert replace(PLAIN, pairs_keep=Share(value=0.82, low=0.8, high=0.84)).whole_light == "green"


def test_nothing_measured_is_said_where_all_is_unknown():
    nothing = replace(
        PLAIN,
        findings=(finding("unknown"),),
        whole=Numbers(),
        pairs_keep=None,
        site={"site": None},
        site_light="unknown",
    )
    assert headline(nothing) == "Nothing could be measured without labels or label maps."


def test_a_site_that_was_not_measured_is_neither_at_chance_nor_learnt():
    found = replace(PLAIN, site={"site": None}, background={"site": None}, site_light="unknown")
    assert said(found).count("not measured (a probe needs") == 2
    assert "contrast can learn it" not in said(found)
    assert as_json(found)["site"] == {"site": None}


@pytest.mark.parametrize(("score", "count"), [(CODED, 1), (HINTED, 1), (AT_CHANCE, 0)])
def test_only_a_site_that_can_be_read_gets_advice(score, count):
    found = replace(PLAIN, site={"site": score, "scanner": AT_CHANCE}, site_light="red")
    assert said(found).count("contrast can learn it") == count


def test_the_chance_of_a_quantity_is_zero():
    age = ProbeScore(value=0.3, low=0.1, high=0.5, kind="correlation", chance=0.0)
    found = said(replace(PLAIN, clean=age, can_measure_signal=True, background={"age": age}))
    assert found.count("0.30 [0.10, 0.50] (correlation, 0 is chance)") == 2
    assert "0.50 [0.40, 0.60] (AUROC, 0.5 is chance)" in found


def test_images_of_the_same_patient_are_said_to_be_left_out():
    pairs = Negatives(batch=16, left_out=0.125, with_left_out=0.5, same_label=0.4, exact_copies=0.0)
    found = said(replace(PLAIN, negatives=pairs))
    assert "micro-batch of 16, 12.50% show the same patient" in found
    assert "left out of the negatives (50% of images meet one)" in found
    assert "Of the negatives that remain, 40.0% share the label." in found
    unlabelled = said(replace(PLAIN, negatives=replace(pairs, same_label=None)))
    assert "share the label" not in unlabelled


def test_of_several_red_parts_each_loss_is_told_by_name():
    assert headline(replace(PLAIN, findings=(LOSES, HIDES))) == (
        "Crop and mask lose too much of what the task needs: crop keeps 0.40 [0.30, 0.50]; "
        "mask hides the whole lesion in 0.40 [0.30, 0.50] of views."
    )


@pytest.mark.parametrize(
    ("stated", "has", "lacks", "column"),
    [
        (True, "Smaller than 2 mm", "no spacing", "Diameter (mm)"),
        (False, "smaller than 4 pixels of a view shares", " mm", "Diameter (stored pixels)"),
        (None, "read stored pixels for mm", "The pictures", "Diameter (mm, or stored pixels"),
    ],
)
def test_millimetres_are_told_only_where_they_are_known(stated, has, lacks, column):
    found = replace(PLAIN, spacing_stated=stated, by_size=(("2 - 4", 3, 0.1, 0.2),))
    assert has in said(found)
    assert lacks not in said(found)
    assert column in page_of(found)
    assert as_json(found)["spacing_stated"] is stated


SCORE = Rehearsal(gain=-3.46, low=-7.1, high=0.24, kind="AUROC", plain=0.618, labels=9, images=480)


def test_the_alignment_score_is_told_with_its_interval_and_what_it_rests_on():
    (said,) = [one for one in advice(replace(PLAIN, rehearsal=SCORE)) if "Alignment" in one]
    assert "-3.5 points of AUROC [-7.1, 0.2]" in said
    assert "480 images" in said
    assert "9 labelled patients per class reads it (0.62 where nothing is" in said
    assert as_json(replace(PLAIN, rehearsal=SCORE))["alignment_score"]["gain"] == -3.46


def test_a_score_of_a_quantity_or_without_an_interval():
    other = replace(SCORE, kind="correlation", low=None, high=None)
    (said,) = [one for one in advice(replace(PLAIN, rehearsal=other)) if "Alignment" in one]
    assert "-3.5 points of correlation. " in said
    assert "9 labelled patients reads" in said


def test_no_score_says_what_it_takes():
    (said,) = [one for one in advice(PLAIN) if "Alignment" in one]
    assert "not measured. It needs a task with one label per image" in said


@pytest.mark.parametrize(("after", "is_lower"), [(-4.0, True), (-3.46, False), (5.0, False)])
def test_a_correction_that_lowers_the_score_says_so(after, is_lower):
    mended = Checked(
        before=PLAIN.least,
        after=PLAIN.least,
        limited_by=None,
        tried=(),
        rehearsal=replace(SCORE, gain=after),
    )
    *_, said = advice(replace(PLAIN, rehearsal=SCORE, checked=mended))
    assert f"corrected recipe: {after:+.1f} points" in said
    assert ("That is lower" in said) is is_lower
