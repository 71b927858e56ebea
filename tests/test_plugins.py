"""Plug-ins are files: their name is the file's, and nothing else can be reached."""

import sys

import pytest

from anlage import plugins
from anlage.errors import ConfigError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own with one room that has folders and one that has none."""
    for room in (plugins.available, plugins._files):
        room.cache_clear()
    for name in ("nested/one/alpha", "nested/two/beta", "nested/one/_help", "nested/_base"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('imported')\n")
    (tmp_path / "flat").mkdir()
    for name in ("gamma", "_private", "__init__"):
        (tmp_path / "flat" / f"{name}.py").write_text("")
    monkeypatch.setattr(plugins, "_PACKAGE", tmp_path)
    yield tmp_path
    for room in (plugins.available, plugins._files):
        room.cache_clear()


def test_file_names_are_the_names_and_private_files_are_skipped(package):
    assert plugins.available("nested") == ("alpha", "beta")
    assert plugins.available("flat") == ("gamma",)


def test_the_family_is_the_folder(package):
    assert plugins.family("nested", "beta") == "two"


@pytest.mark.parametrize("name", ["_help", "../flat/gamma", "alpha.py", "os", "", "Alpha"])
def test_a_name_that_is_no_file_in_the_room_is_never_imported(package, name):
    before = set(sys.modules)
    with pytest.raises(ConfigError, match="there is no nested"):
        plugins.load("nested", name)
    assert set(sys.modules) == before


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(package):
    with pytest.raises(ConfigError) as caught:
        plugins.load("nested", "alhpa")
    assert "Did you mean 'alpha'? Choose one of: alpha, beta." in str(caught.value)


def test_listing_imports_nothing(package):
    before = set(sys.modules)
    plugins.available("nested")
    assert set(sys.modules) == before


def test_load_gives_the_one_public_object():
    from anlage.tasks.segmentation import Segmentation

    assert plugins.load("tasks", "segmentation") is Segmentation


def test_nearest_says_nothing_where_nothing_is_near():
    assert plugins.nearest("zzz", ["alpha"]) == ""
    assert plugins.nearest("alpa", ["alpha", "beta"]) == " Did you mean 'alpha'?"


def test_capital_letters_do_not_hide_a_name():
    assert plugins.nearest("CXR", ["ct", "cxr"]) == " Did you mean 'cxr'?"


@pytest.mark.parametrize(
    ("room", "words"),
    [("modalities", "no modality 'xray'"), ("transforms/masks", "no mask 'xray'")],
)
def test_a_room_is_named_as_a_person_would(room, words):
    with pytest.raises(ConfigError, match=f"there is {words}"):
        plugins.load(room, "xray")
