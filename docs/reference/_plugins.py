"""Write plugins.md: every plug-in of every room with the first line of its file."""

from __future__ import annotations

import ast
from pathlib import Path

import anlage
from anlage import plugins

PAGE = Path(__file__).with_name("plugins.md")

_START = """# Plug-ins

*Made by `docs/reference/_make.py` from the files; do not edit by hand.*

The name of a plug-in is the name of its file. Their settings are in [settings](settings.md); how
to add one is in [CONTRIBUTING](../../CONTRIBUTING.md).
"""
_ROOMS = (
    ("Methods", "methods"),
    ("Encoders", "encoders"),
    ("Tasks", "tasks"),
    ("Modalities", "modalities"),
    ("Readers: file formats", "data/readers"),
    ("Importers: dataset layouts", "data/importers"),
    ("Phantoms: virtual patients", "data/phantoms"),
    ("Transforms", "transforms"),
    ("Masks", "transforms/masks"),
    ("Metrics and statistics", "metrics"),
)


def render() -> str:
    """Return the page."""
    return "\n".join([_START, *(_room(title, room) for title, room in _ROOMS)])


def _room(title: str, room: str) -> str:
    names = plugins.available(room)
    homes = {name: plugins.family(room, name) for name in names}
    has_families = set(homes.values()) != {Path(room).name}
    order = sorted(
        (name for name in names if homes[name] != "masks" or room.endswith("masks")),
        key=lambda name: (homes[name], name),
    )
    head = ["name", *(["folder"] if has_families else []), "what it is"]
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in order:
        cells = [f"`{name}`", *([homes[name]] if has_families else []), _first_line(room, name)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _first_line(room: str, name: str) -> str:
    """Return the first sentence of a file's docstring, without importing the file."""
    root, home = Path(anlage.__file__).parent / room, plugins.family(room, name)
    path = (root if home == root.name else root / home) / f"{name}.py"
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(words.split("\n\n")[0].split()).replace("|", "\\|").replace("``", "`")
