"""Settings: frozen, strict, safely read, and joined without surprises."""

from typing import Any

import pytest
from pydantic import Field, ValidationError

from anlage.config import (
    BaseConfig,
    differences,
    fingerprint,
    layered,
    read_yaml,
    write_yaml,
)
from anlage.errors import ConfigError


class Inner(BaseConfig):
    width: int = Field(default=8, ge=1)


class Outer(BaseConfig):
    name: str
    inner: Inner = Inner()
    several: tuple[Inner, ...] = ()
    maybe: Inner | None = None


def yaml_file(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Outer(name="x").name = "y"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "x", "innner": {}}, "there is no setting 'innner'. Did you mean 'inner'?"),
        ({"name": "x", "inner": {"widht": 3}}, "'inner.widht'. Did you mean 'width'?"),
        ({"name": "x", "several": [{"wdth": 3}]}, "'several.0.wdth'. Did you mean 'width'?"),
        ({"name": "x", "maybe": {"wdth": 3}}, "'maybe.wdth'. Did you mean 'width'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(values, words):
    with pytest.raises(ConfigError) as caught:
        Outer.parse(values, where="recipe.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("recipe.yaml: ")


def test_a_key_that_resembles_none_gets_no_suggestion():
    with pytest.raises(ConfigError, match="there is no setting 'zzz'") as caught:
        Outer.parse({"name": "x", "zzz": 1}, where="x")
    assert "Did you mean" not in str(caught.value)


def test_every_fault_is_named_at_once_with_what_came():
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"inner": {"width": -4}, "zzz": 1}, where="x")
    for words in ("'name' must be given", "-4", "there is no setting 'zzz'"):
        assert words in str(caught.value)


def test_yaml_comes_back_as_it_was_written(tmp_path):
    config = Outer(name="größe: #1", inner=Inner(width=3), several=(Inner(), Inner(width=2)))
    write_yaml(tmp_path / "a.yaml", config)
    assert Outer.parse(read_yaml(tmp_path / "a.yaml"), where="a") == config


def test_yaml_keeps_the_order_of_the_definition(tmp_path):
    write_yaml(tmp_path / "a.yaml", {"zebra": 1, "ant": 2})
    assert (tmp_path / "a.yaml").read_text() == "zebra: 1\nant: 2\n"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfsteps: 3\r\n")
    assert read_yaml(path) == {"steps": 3}


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "must not use YAML anchors"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: !!python/name:os.system", "not valid YAML"),
        ("a: [1, 2", "not valid YAML"),
        ("- a\n- b\n", "must hold 'key: value' lines, got a list"),
        ("", "must hold 'key: value' lines, got a NoneType"),
    ],
)
def test_hostile_and_broken_yaml_is_refused(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        read_yaml(yaml_file(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: \xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match=r"a\.yaml must be UTF-8 text"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["a: " + "[" * 20_000, "a: " + "[" * 600 + "]" * 600])
def test_deep_nesting_is_refused_before_it_is_built(tmp_path, text):
    with pytest.raises(ConfigError, match="must not nest groups or lists more than 32 deep"):
        read_yaml(yaml_file(tmp_path, text))


@pytest.mark.parametrize("text", ["a: 2026-13-45", "a: " + "9" * 5000])
def test_dates_and_numbers_that_are_none_are_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_yaml(yaml_file(tmp_path, text))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_no_setting_is_infinite_or_no_number(value):
    class Rate(BaseConfig):
        rate: float = Field(default=1.0, ge=0)

    with pytest.raises(ConfigError, match=r"rate: .*finite"):
        Rate.parse({"rate": value}, where="x")


def test_a_huge_recipe_is_refused_unread(tmp_path):
    with pytest.raises(ConfigError, match=r"must be under 1 MB, recipe\.yaml has 1,000,003 bytes"):
        read_yaml(yaml_file(tmp_path, "a: " + "x" * 1_000_000))


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"but .*none\.yaml is not a file"):
        read_yaml(tmp_path / "none.yaml")


def test_fingerprint_ignores_order_and_sees_every_value():
    base: dict[str, Any] = {"a": 1, "b": {"c": [1, 2]}}
    assert fingerprint(base) == fingerprint({"b": {"c": [1, 2]}, "a": 1})
    others = ({"a": 2, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [2, 1]}}, {"a": 1})
    assert len({fingerprint(values) for values in (base, *others)}) == 4


def test_fingerprint_of_a_model_is_that_of_its_values():
    assert fingerprint(Inner(width=3)) == fingerprint({"width": 3})


def test_layers_join_groups_and_replace_the_rest():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    over = {"a": {"y": [3]}, "b": {"z": 0}}
    assert layered(base, over) == {"a": {"x": 1, "y": [3]}, "b": {"z": 0}}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


def test_differences_name_the_path_and_both_values():
    old, new = {"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"x": 1, "y": 4}, "c": 5}
    assert differences(old, new) == ["a.y: 2 -> 4", "b: 3 -> None", "c: None -> 5"]
    assert differences(old, old) == []


@pytest.mark.parametrize(
    ("recipe", "beside", "said"),
    [
        ("nmae: x\nname: y", {}, "recipe.yaml: there is no setting 'nmae'. Did you mean 'name'?"),
        ("name: y", {"nmae": 1}, "options or --set: there is no setting 'nmae'."),
        ("name: y", {"zzz": {"a": 1}}, "options or --set: there is no setting 'zzz'."),
        ("name: y", {"inner": {"wdith": 1}}, "options or --set: there is no setting 'inner.wdith'"),
        ("name: y", {"inner": {"width": 0}}, "options or --set: inner.width:"),
        ("name: y\ninner: {width: 0}", {"maybe": {"width": 2}}, "recipe.yaml: inner.width:"),
        ("inner: {width: 1}", {"inner": {"width": 2}}, "recipe.yaml: 'name' must be given"),
    ],
)
def test_a_fault_is_blamed_on_where_it_was_written(tmp_path, recipe, beside, said):
    with pytest.raises(ConfigError) as refused:
        Outer.read(yaml_file(tmp_path, recipe), beside, verb="try")
    assert str(refused.value).startswith(said)


def test_faults_of_both_places_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as refused:
        Outer.read(yaml_file(tmp_path, "name: y\none: 1"), {"two": 2}, verb="try")
    assert str(refused.value) == (
        "recipe.yaml: there is no setting 'one'.; options or --set: there is no setting 'two'."
    )


def test_what_is_given_goes_before_the_recipe_and_needs_none(tmp_path):
    path = yaml_file(tmp_path, "name: y\ninner: {width: 3}")
    assert Outer.read(path, {"name": "z"}, verb="try") == Outer(name="z", inner=Inner(width=3))
    assert Outer.read(None, {"name": "z"}, verb="try") == Outer(name="z")
    with pytest.raises(ConfigError, match=r"^try: 'name' must be given$"):
        Outer.read(None, {}, verb="try")
