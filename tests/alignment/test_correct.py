"""Corrections are proposed only where they lower no score, and what they do is said."""

import json
from dataclasses import replace

import pytest

from anlage.alignment.auditor import Finding, Numbers
from anlage.alignment.correct import Checked, Correction
from anlage.alignment.intervals import Share
from anlage.alignment.page import as_html
from anlage.alignment.planted import control_of
from anlage.alignment.words import advice, as_json, as_text

CROP = Correction(name="crop", says="crop less", change={"crop_scale": [0.5, 1.0]})
BAD = Share(value=0.4, low=0.3, high=0.5)


@pytest.fixture(scope="module")
def plain():
    found = control_of("none", seed=0, images=20).audit(seed=0)
    red = Finding(name="crop", light="red", at={1.0: Numbers(erased=BAD)})
    return replace(found, least=Share(value=0.62, low=0.5, high=0.7), findings=(red,))


def checked(before, after, **more):
    scores = {"before": Share(value=before), "after": None if after is None else Share(value=after)}
    return Checked(**{**scores, "limited_by": "signal kept", "tried": (CROP,), **more})


def audit_with(plain, one):
    return replace(plain, checked=one, corrections=one.tried if one.is_kept else ())


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        (0.6, 0.9, True),
        (0.6, 0.6, True),
        (0.602, 0.598, True),  # 0.60 and 0.60, as they are shown
        (0.61, 0.6, False),
        (None, None, True),  # no score: what the parts were found to do counts
        (0.6, None, False),
    ],
)
def test_a_correction_that_lowers_the_score_is_not_kept(before, after, is_kept):
    one = Checked(
        before=Share(value=before), after=Share(value=after), limited_by=None, tried=(CROP,)
    )
    assert one.is_kept is is_kept


def test_a_recipe_that_cannot_be_used_is_not_kept():
    assert not checked(0.5, None, refused="mask must be smaller.").is_kept


def told(plain, one):
    """Return text, JSON and page, of which all must say the same."""
    found = audit_with(plain, one)
    page = as_html(found, title="t", pictures={}, command="c", corrected="recipe: text")
    return as_text(found, title="t"), json.loads(json.dumps(as_json(found))), page


def test_before_and_after_are_in_text_json_and_page(plain):
    text, facts, page = told(plain, checked(0.62, 0.91))
    assert "0.62 -> 0.91, limited by: signal kept" in text
    assert "crop less." in text
    assert facts["checked"]["before"]["value"] == 0.62
    assert facts["checked"]["after"]["value"] == 0.91
    assert facts["checked"]["is_kept"]
    assert "0.62 as it was, 0.91 corrected" in page
    assert "<h2>The corrected recipe</h2>" in page


def test_a_correction_that_makes_it_worse_is_said_plainly_and_not_proposed(plain):
    text, facts, page = told(plain, checked(0.62, 0.4))
    assert "kept as it is: what was tried (crop: crop less) keeps less" in text
    assert "0.62 -> 0.40" in text
    assert facts["corrections"] == []
    assert facts["checked"]["is_kept"] is False
    assert facts["checked"]["tried"][0]["name"] == "crop"
    assert "<h2>The recipe</h2>" in page
    assert "0.62 -&gt; 0.40" in page
    assert "corrected.</p>" not in page


def test_a_refused_recipe_says_why(plain):
    text, facts, _ = told(plain, checked(0.62, None, refused="mask must be smaller. "))
    assert "kept as it is" in text
    assert "cannot be used (mask must be smaller" in text
    assert facts["checked"]["refused"].startswith("mask must")
    assert facts["checked"]["after"] is None


def test_nothing_is_said_of_corrections_where_there_are_none(plain):
    found = replace(plain, findings=())
    assert "->" not in as_text(found, title="t")
    assert as_json(found)["checked"] is None
    assert not any("corrections" in line for line in advice(found))
