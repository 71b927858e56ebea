"""Label rules and bands."""

import pytest

from anlage.errors import ConfigError
from anlage.evidence.labels import band, read_label_rule


@pytest.mark.parametrize(
    ("text", "fraction", "count", "holds"),
    [
        ("<=1%", 0.01, None, True),
        ("<=1%", 0.011, None, False),
        ("<=1%", None, 5, False),
        ("100%", 1.0, 329, True),
        ("100%", 0.5, None, False),
        ("<=50", None, 50, True),
        ("<=50", 0.001, None, False),
        (">=1000", 1.0, 3662, True),
        ("<10%", 0.1, None, False),
        (">10%", 0.25, None, True),
        ("few", None, 5, True),
        ("unknown", None, None, True),
    ],
)
def test_a_rule_holds_for_shares_or_cases_but_never_for_the_unknown(text, fraction, count, holds):
    assert read_label_rule(text).holds(fraction, count) is holds


@pytest.mark.parametrize(
    ("fraction", "count", "name"),
    [
        (0.0, None, "none"),
        (None, 0, "none"),
        (0.01, None, "few"),
        (None, 100, "few"),
        (None, 101, "some"),
        (0.1, 519, "some"),
        (0.5, 12, "most"),
        (1.0, 10, "all"),
        (None, None, "unknown"),
    ],
)
def test_the_share_decides_the_band_and_the_number_only_without_it(fraction, count, name):
    assert band(fraction, count) == name


@pytest.mark.parametrize("text", ["lots", "10 percent", "-5%", ""])
def test_what_is_no_rule_says_how_to_write_one(text):
    with pytest.raises(ConfigError, match=r"labels must be a share such as '<=10%'"):
        read_label_rule(text)


def test_a_share_above_all_is_refused():
    with pytest.raises(ConfigError, match="at most 100%, got '<=200%'"):
        read_label_rule("<=200%")


def test_a_misspelt_band_names_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'some'"):
        read_label_rule("somee")
