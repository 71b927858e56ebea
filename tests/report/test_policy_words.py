"""A policy in words: everything that it says, with reason and source."""

import pytest

from anlage import plugins
from anlage.modalities import ViewRule
from anlage.report.policy_words import policy_text, source_names, sources


def flat(name):
    return " ".join(policy_text(name, plugins.load("modalities", name)).split())


@pytest.mark.parametrize("name", plugins.available("modalities"))
def test_everything_that_a_policy_says_is_printed(name):
    policy, text = plugins.load("modalities", name), flat(name)
    groups = (policy.views, policy.forbidden, policy.artefacts)
    for group in groups:
        for key, one in group.items():
            assert f"{key} " in text
            assert f"{one.because} ({one.source})" in text
    for one in (policy.scaling, policy.crop, policy.corruption, policy.pairs):
        assert f"{one.because} ({one.source})" in text
    for shortcut in policy.shortcuts:
        assert f"{shortcut.what}: {shortcut.remedy} ({shortcut.source})" in text
    for hint in policy.hints.values():
        assert f"{hint.says} ({hint.source})" in text
    for words in (*policy.notes, *policy.pairs.never):
        assert words in text
    for window in policy.scaling.windows:
        assert f"{window} " in text
    for source, meaning in sources(policy).items():
        assert f"{source} {' '.join(meaning.split())}" in text


def test_strengths_are_printed_with_their_limits():
    text = flat("ct")
    assert "rotate 50% of views; degrees 10 (at most 30): patients lie a little tilted" in text
    assert "sigma 0.3 to 0.8 (at most 1.5)" in text
    assert "60% hidden in blocks of 12.5% of the view's edge, at most 16 mm where" in text
    assert "spacing_mm 40 (at least 20)" in text
    assert "wide -500 to 500 (default), soft -175 to 250" in text


def test_small_lengths_are_printed_in_micrometres():
    assert "at most 16 micrometres where the spacing is known" in flat("histology")


def test_views_to_avoid_say_no_share_since_they_are_off():
    text = flat("pet")
    assert "brightness_contrast brightness 0 (at most 0.01), contrast 0.05" in text


def test_levels_stand_in_the_order_of_advice():
    text = flat("mri")
    places = [
        text.index(word) for word in ("Do: advised", "Mild: ", "Avoid: off", "Never: refused")
    ]
    assert places == sorted(places)


def test_a_policy_without_something_has_no_section_for_it():
    assert "Do: advised" not in flat("generic")


def test_no_line_is_wider_than_a_terminal():
    for name in plugins.available("modalities"):
        lines = policy_text(name, plugins.load("modalities", name)).splitlines()
        assert max(map(len, lines)) <= 100


def test_sources_are_parted_at_commas_and_semicolons():
    assert source_names("R32, R41; Jiang 2024") == ["R32", "R41", "Jiang 2024"]


def test_a_source_that_is_nowhere_is_an_error():
    policy = plugins.load("modalities", "ct")
    wrong = ViewRule(transform="gamma", p=0.5, because="no reason", source="Nobody 1900")
    with pytest.raises(KeyError, match="Nobody 1900"):
        sources(policy.model_copy(update={"views": {"gamma": wrong}}))
