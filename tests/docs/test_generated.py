"""The generated pages of the reference say what the code says now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def _maker(root: Path, name: str):
    path = root / "docs" / "reference" / f"_{name}.py"
    spec = importlib.util.spec_from_file_location(f"anlage_docs_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands", "plugins", "settings"])
def test_a_generated_page_is_current(name: str, root: Path) -> None:
    maker = _maker(root, name)
    assert maker.PAGE.read_text(encoding="utf-8") == maker.render(), (
        f"{maker.PAGE.name} is out of date. Run: .venv/bin/python docs/reference/_make.py"
    )


def test_every_option_has_a_row(root: Path) -> None:
    maker = _maker(root, "commands")
    page = maker.render()
    for name, command in maker.verbs().items():
        part = page.split(f"\n## anlage {name}\n")[1].split("\n## ")[0]
        options = [option for parameter in command.params for option in parameter.opts]
        assert all(f"`{option}`" in part for option in options if option.startswith("--"))


def test_every_setting_has_a_meaning(root: Path) -> None:
    maker = _maker(root, "settings")
    undocumented = [
        f"{model.__name__}.{name}"
        for _, _, model in maker._MODELS
        for name in model.model_fields.keys() - dict(maker._meanings(model)).keys()
    ]
    assert undocumented == []
