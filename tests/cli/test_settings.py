"""From options to settings."""

import pytest

from anlage.cli._settings import ending, gather, numbers, sizes
from anlage.errors import ConfigError


def test_only_what_was_given_becomes_a_setting():
    given = {"a": 1, "b": None, "c": [], "d": (), "e": 0, "f": False, "g": ("x",)}
    assert gather(given) == {"a": 1, "e": 0, "f": False, "g": ["x"]}


def test_set_reaches_into_groups_and_reads_values_as_yaml():
    extra = ["a.b=1e-3", "a.c=[1, 2]", "d=text", "e=null", "f=true", "g=a=b"]
    assert gather({}, extra) == {
        "a": {"b": "1e-3", "c": [1, 2]},
        "d": "text",
        "e": None,
        "f": True,
        "g": "a=b",
    }


def test_set_lies_over_options():
    assert gather({"steps": 5}, ["steps=7"]) == {"steps": 7}


@pytest.mark.parametrize("text", ["steps", "=3", "a..b=1", ".a=1", "a.=1", ""])
def test_an_entry_without_a_key_is_refused(text):
    with pytest.raises(ConfigError, match="--set takes key=value"):
        gather({}, [text])


@pytest.mark.parametrize("value", ["[1, 2", "{a: ", "'x", "!!python/name:os.system", "2026-13-45"])
def test_a_value_that_yaml_cannot_read_is_refused(value):
    with pytest.raises(ConfigError, match="--set a must have a value that YAML can read"):
        gather({}, [f"a={value}"])


def test_a_setting_is_not_a_group_too():
    with pytest.raises(ConfigError, match="steps must be a group of settings"):
        gather({"steps": 5}, ["steps.a=1"])


@pytest.mark.parametrize(
    ("text", "found"), [("64", [64]), ("48,56,48", [48, 56, 48]), (None, None)]
)
def test_sizes(text, found):
    assert sizes(text) == found


@pytest.mark.parametrize("text", ["", "64px", "6.4", "64,"])
def test_sizes_that_are_none(text):
    with pytest.raises(ConfigError, match="a size is one whole number or one per axis"):
        sizes(text)


def test_numbers():
    assert numbers("1,1.5,3") == [1.0, 1.5, 3.0]
    assert numbers(None) is None


@pytest.mark.parametrize("text", ["", "0,1", "-1", "a", "nan", "inf"])
def test_numbers_that_are_none(text):
    with pytest.raises(ConfigError, match="above 0 mm per axis"):
        numbers(text)


def test_a_run_that_collapsed_would_collapse_again():
    said = ending("collapsed", "all images get practically the same embedding")
    assert said.startswith("Collapsed: all images")
    assert "the same command" not in said


@pytest.mark.parametrize(
    ("options", "extra", "meant"),
    [
        ({"method": "simcrl"}, (), "simclr"),
        ({"method": ["mae", "simcrl"]}, (), "simclr"),
        ({}, ["method=simcrl"], "simclr"),
        ({"encoder": "resnet19"}, (), "resnet1"),
        ({"task": "clasification"}, (), "classification"),
    ],
)
def test_a_name_without_a_file_is_refused_with_the_nearest(options, extra, meant):
    with pytest.raises(ConfigError, match=f"Did you mean '{meant}"):
        gather(options, extra)


@pytest.mark.parametrize("value", ["3", "[1]", "{a: 1}", "null"])
def test_what_is_no_name_is_left_to_the_settings(value):
    assert "method" in gather({}, [f"method={value}"])
