"""The public names: found lazily, all there, none too many."""

import importlib
import inspect
import operator
import subprocess
import sys

import pytest

import anlage
from anlage.errors import DataError


@pytest.mark.parametrize("name", sorted(set(anlage.__all__) - {"__version__"}))
def test_every_public_name_is_a_documented_callable(name):
    function = getattr(anlage, name)
    assert callable(function)
    assert inspect.getdoc(function)


@pytest.mark.parametrize("name", ["evaluate", "report", "study"])
def test_a_room_with_the_name_of_a_verb_does_not_hide_it(name):
    module, attribute = anlage._HOMES[name]
    function = getattr(importlib.import_module(module), attribute)
    assert inspect.signature(getattr(anlage, name)) == inspect.signature(function)
    with pytest.raises(TypeError, match="missing 1 required"):
        getattr(anlage, name)()


def test_a_verb_stays_a_verb_after_its_first_use(tmp_path):
    for _ in range(2):
        with pytest.raises(DataError, match=r"a study folder holds study\.yaml"):
            anlage.report(tmp_path)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="anlage has no attribute 'pretain'"):
        operator.attrgetter("pretain")(anlage)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, anlage; sys.exit(bool({'torch', 'numpy', 'polars'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
