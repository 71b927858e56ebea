"""The plug-ins that the pages show as examples pass the tests that the pages show."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from anlage import plugins

_PAGES = (
    "CONTRIBUTING.md",
    "docs/how-to/add-a-modality.md",
    "docs/how-to/add-a-reader.md",
    "docs/how-to/add-a-task.md",
)


def _files(page) -> dict[str, str]:
    """Return the Python blocks of a page that begin with a path, by that path."""
    found = {}
    for block in page.blocks("python"):
        first, _, text = block.text.partition("\n")
        if first.startswith(("# src/", "# tests/")):
            found[first.removeprefix("# ")] = text
    return found


def _module(path: str, text: str, patch: pytest.MonkeyPatch) -> ModuleType:
    """Run a file's text as the module that it would be in its place."""
    module = ModuleType(".".join(Path(path.removeprefix("src/")).with_suffix("").parts))
    patch.setitem(sys.modules, module.__name__, module)
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def _plug_in(path: str, patch: pytest.MonkeyPatch) -> None:
    """Let the room find the file, as it would if it lay there."""
    place, found = (
        Path(inspect.getfile(plugins)).parents[1] / path.removeprefix("src/"),
        plugins._files,
    )

    def files(room: str) -> dict[str, Path]:
        own = {place.stem: place} if f"/anlage/{room}/" in place.as_posix() else {}
        return {**found(room), **own}

    patch.setattr(plugins, "_files", files)
    patch.setattr(plugins, "available", lambda room: tuple(sorted(files(room))))


def _calls(test: Any, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each case of a test, shared fixtures included."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    cases = [{mark.args[0]: value} for mark in marks for value in mark.args[1]] or [{}]
    for case in cases:
        others = inspect.signature(test).parameters.keys() - case.keys()
        yield {**case, **{name: request.getfixturevalue(name) for name in others}}


@pytest.mark.parametrize("name", _PAGES)
def test_an_example_passes_its_own_test(name: str, pages, request, monkeypatch) -> None:
    (page,) = (page for page in pages if page.name == name)
    source, test = sorted(_files(page).items())
    _plug_in(source[0], monkeypatch)
    assert len(_module(*source, monkeypatch).__all__) == 1
    tests = [
        function
        for name, function in vars(_module(*test, monkeypatch)).items()
        if name.startswith("test_")
    ]
    assert len(tests) >= 2
    for function in tests:
        for arguments in _calls(function, request):
            function(**arguments)
