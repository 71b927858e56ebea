"""Every link inside the repository leads somewhere, and every page can be found."""

from __future__ import annotations

import re
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def _anchors(text: str) -> set[str]:
    """Return the anchors that a code host gives to a page's headings."""
    titles = (
        re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in _HEADING.findall(text)
    )
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def _targets(page) -> list[str]:
    found = (first or second for first, second in _LINK.findall(page.prose))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def test_links_inside_the_repository_resolve(pages) -> None:
    prose = {page.path.resolve(): page.prose for page in pages}
    broken = []
    for page in pages:
        for target in _targets(page):
            file, _, anchor = target.partition("#")
            path = (page.path.parent / file).resolve() if file else page.path.resolve()
            if not path.exists() or (anchor and anchor not in _anchors(prose.get(path, ""))):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_every_page_of_the_docs_is_on_the_map(pages, root: Path) -> None:
    (home,) = (page for page in pages if page.name == "docs/README.md")
    named = {(home.path.parent / target.partition("#")[0]).resolve() for target in _targets(home)}
    pages_of_docs = {page.path for page in pages if page.name.startswith("docs/")} - {home.path}
    folders = {path for path in named if path.is_dir()}
    missing = [
        path.relative_to(root).as_posix()
        for path in sorted(pages_of_docs)
        if path not in named and path.parent not in folders
    ]
    assert missing == []


def test_anchors_are_those_of_a_code_host() -> None:
    assert _anchors("# Add a *method*\n## `anlage prepare`: how?\n") == {
        "add-a-method",
        "anlage-prepare-how",
    }
