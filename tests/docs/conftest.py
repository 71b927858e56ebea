"""The pages that users read, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language and its text without indentation."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Path from the root of the repository."""
        return self.path.relative_to(_ROOT).as_posix()

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> Iterator[Block]:
        """Yield the fenced blocks in some languages."""
        for indent, language, text in _FENCE.findall(self.text):
            if language in languages:
                yield Block(language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return _ROOT


@pytest.fixture(scope="session")
def pages() -> list[Page]:
    """README, CONTRIBUTING and everything in docs."""
    paths = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted(_ROOT.glob("docs/**/*.md"))]
    return [Page(path, path.read_text(encoding="utf-8")) for path in paths]
