"""Every plug-in file keeps the law of its room, and every test stands where its source does."""

import ast
from pathlib import Path

import pytest

import anlage

SOURCE = Path(anlage.__file__).parent
TESTS = Path(__file__).parents[1]
ROOMS = (
    "data/importers",
    "data/phantoms",
    "encoders",
    "methods",
    "metrics",
    "modalities",
    "tasks",
)
# tests of a promise that a whole room keeps
WHOLE_ROOM = {"contract", "data", "pages", "privacy", "restart", "resume"}
APART = {"benchmarks", "contracts", "docs", "parity"}  # tests of everything at once


def plugin_files():
    for room in ROOMS:
        files = list((SOURCE / room).glob("[!_]*/[!_]*.py"))
        yield from sorted(files or (SOURCE / room).glob("[!_]*.py"))


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def all_of(tree):
    found = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    return ast.literal_eval(found[0]) if found else None


def name_of(path):
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", list(plugin_files()), ids=name_of)
def test_a_plugin_has_one_public_name_of_its_own(path):
    tree = tree_of(path)
    names = all_of(tree)
    assert names is not None
    assert len(names) == 1
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    own |= {getattr(t, "id", "") for n in tree.body if isinstance(n, ast.Assign) for t in n.targets}
    assert names[0] in own


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=name_of)
def test_every_module_says_in_one_line_what_it_is_for(path):
    text = ast.get_docstring(tree_of(path))
    assert text
    first = text.splitlines()[0]
    assert len(first) <= 100
    assert first[0] != " "
    assert first.endswith((".", "!", "?"))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=name_of)
def test_a_source_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_no_room_is_called_utils():
    assert not [path for path in SOURCE.rglob("*") if path.stem in {"utils", "helpers", "common"}]


def is_mirrored(test):
    """Whether a source file bears a test's name, or begins it, or is its whole room's interface."""
    folder = SOURCE / test.relative_to(TESTS).parent
    stem = test.stem.removeprefix("test_")
    stems = {path.stem.strip("_") for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    if stem in WHOLE_ROOM or any(stem == known or stem.startswith(f"{known}_") for known in stems):
        return True
    interface = folder / "__init__.py"
    kinds = (ast.ClassDef, ast.FunctionDef)
    return interface.is_file() and any(isinstance(n, kinds) for n in tree_of(interface).body)


@pytest.mark.parametrize(
    "test",
    sorted(
        path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in APART
    ),
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_every_test_file_mirrors_a_source_file(test):
    assert is_mirrored(test), f"no source file for {test.name}"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda p: str(p.name))
def test_no_test_is_skipped_or_expected_to_fail(path):
    marks = {"skip", "xfail", "importorskip"}  # skipif is for what a platform lacks
    used = {
        node.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"pytest", "pytest.mark"}
    }
    assert not used & marks
