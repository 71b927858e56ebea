"""Numbers as a reader sees them."""

import pytest

from anlage.plugins import available
from anlage.report import words
from anlage.report._schema import Measure


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (words.points, 0.0617, "+6.2"),
        (words.points, -0.0617, f"{words.MINUS}6.2"),
        (words.points, None, "undefined"),
        (words.p_text, 0.0004, "< 0.001"),
        (words.p_text, 1.0, "1.000"),
        (words.p_text, None, "undefined"),
        (words.share, 1.0, "> 0.999"),
        (words.share, 0.0, "< 0.001"),
        (words.share, 0.5, "0.500"),
        (words.count, 1234.0, "1,234"),
        (words.count, 4.5, "4.5"),
        (words.duration, 3.25, "3.2 s"),
        (words.duration, 89, "89 s"),
        (words.duration, 600, "10.0 min"),
        (words.duration, 7200, "2.0 h"),
        (words.joined, [], ""),
        (words.joined, ["a"], "a"),
        (words.joined, ["a", "b", "c"], "a, b and c"),
        (words.arm_name, "random_frozen", "random encoder"),
        (words.arm_name, "mine", "mine"),
        (words.rung_name, "knn", "k-nearest neighbours"),
    ],
)
def test_words(function, value, text):
    assert function(value) == text


def test_one_and_many():
    assert words.several(1, "run") == "1 run"
    assert words.several(2, "run") == "2 runs"
    assert words.several(2, "study", "studies") == "2 studies"


def test_intervals_with_an_end_that_is_missing_are_undefined():
    assert words.spread(None, 0.1) == "[undefined]"
    assert words.spread(0.01, 0.1) == "[+1.0, +10.0]"


@pytest.mark.parametrize("name", available("metrics"))
def test_every_metric_has_words(name):
    found = words.metric_words(name)
    assert found.label
    assert found.title[0] == found.title[0].upper()


def test_an_unknown_metric_goes_by_its_own_name():
    found = words.metric_words("my_metric")
    assert (found.label, found.direction) == ("my metric", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (3.14159, "3.14"), (31.4159, "31.4"), (None, "undefined")],
)
def test_values_have_the_digits_that_suit_their_size(value, text):
    assert words.metric_words("dice").value(value) == text


def test_negative_values_have_a_real_minus():
    measure = Measure(value=-0.5, low=-0.6, high=-0.4)
    assert words.metric_words("dice").interval(measure) == (
        f"[{words.MINUS}0.600, {words.MINUS}0.400]"
    )
