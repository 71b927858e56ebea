"""Images that lie beside the listed ones but that no list names: unlabelled, still of use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from anlage.data.importers._kinds import has_image_suffix, is_mask_name, suffix_of
from anlage.data.importers._places import entries

__all__ = ["unlisted_images"]


def unlisted_images(listed: Iterable[Path], masks: Collection[Path]) -> tuple[list[Path], int]:
    """Find images in the folders of listed ones, with the suffix that those have there.

    Args:
        listed: Files of listed images.
        masks: Every label map that is known of, there or not.

    Returns:
        Their paths, sorted; and the number of files left out because they may be label maps:
        by their name, or because listed label maps with that suffix lie in that folder.
    """
    known = set(listed) | set(masks)
    suffixes: dict[Path, set[str]] = defaultdict(set)
    for path in listed:
        if has_image_suffix(path):
            suffixes[path.parent].add(suffix_of(path))
    mixed = {(mask.parent, suffix_of(mask)) for mask in masks}
    found = []
    doubtful = 0
    for folder, wanted in suffixes.items():
        for path in entries(folder):
            suffix = suffix_of(path)
            if suffix not in wanted or path in known or not path.is_file():
                continue
            if is_mask_name(path) or (folder, suffix) in mixed:
                doubtful += 1
            else:
                found.append(path)
    return sorted(found), doubtful
