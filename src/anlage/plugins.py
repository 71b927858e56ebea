"""Find plug-ins by file name: ``load("methods", "mae")`` is the class in ``mae.py``.

A room is a folder of the package. Its plug-ins are the files of its subfolders, or its own
files where it has no subfolder; each names exactly one object in ``__all__``. Files that start
with an underscore are shared helpers.
Nothing is registered, and a name that is not a file in the room is never imported, so a
name from a config or a checkpoint can reach only what ships with Anlage.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from anlage.errors import ConfigError

__all__ = ["available", "family", "load", "nearest"]

_PACKAGE = Path(__file__).parent


@cache
def available(room: str) -> tuple[str, ...]:
    """Return the names of all plug-ins in a room, sorted; imports nothing.

    Example:
        >>> "mae" in available("methods")
        True
    """
    return tuple(sorted(_files(room)))


def family(room: str, name: str) -> str:
    """Return the folder a plug-in lies in: the paradigm of a method, for instance."""
    return _find(room, name).parent.name


def load(room: str, name: str) -> Any:
    """Import one plug-in and return the object that its ``__all__`` names.

    Raises:
        ConfigError: If the room has no file of that name.
    """
    path = _find(room, name)
    parts = path.relative_to(_PACKAGE).with_suffix("").parts
    module = importlib.import_module(".".join(("anlage", *parts)))
    (public,) = module.__all__
    return getattr(module, public)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to ``name``, or nothing.

    Capital letters do not count: they are how most people write names of modalities.
    """
    lower = {one.lower(): one for one in reversed(known)}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    return f" Did you mean {lower[close[0]]!r}?" if close else ""


def _find(room: str, name: str) -> Path:
    files = _files(room)
    if name not in files:
        known = available(room)
        raise ConfigError(
            f"there is no {_singular(room)} {name!r}.{nearest(name, known)} "
            f"Choose one of: {', '.join(known)}."
        )
    return files[name]


def _singular(room: str) -> str:
    name = room.rpartition("/")[2]
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


@cache
def _files(room: str) -> dict[str, Path]:
    root = _PACKAGE / room
    paths = list(root.glob("[!_]*/[!_]*.py")) or list(root.glob("[!_]*.py"))
    files = {path.stem: path for path in paths}
    assert files, f"the package has no room {room}"
    return files
