"""Find class names that look like one class written in several ways."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from anlage.data.importers import Record

__all__ = ["alike_notes", "plain_name"]

_SHOWN = 5  # groups that are written out


def plain_name(name: str) -> str:
    """Return a class name without what people write differently by accident.

    Capitals, blanks around it, and how many blanks, hyphens or underscores part two words do not
    count. Those at an end do, as in "HER2-".

    Example:
        >>> plain_name(" Non-small  Cell") == plain_name("non_small cell")
        True
    """
    text = unicodedata.normalize("NFKC", name).casefold().strip()
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", re.sub(r"\s+", " ", text))


def alike_notes(records: Sequence[Record]) -> Iterator[str]:
    """Warn of each label with classes whose names differ by accident only; joins none of them."""
    for label in sorted({name for record in records for name in record.labels}):
        values = [record.labels.get(label) for record in records]
        counts = Counter(value for value in values if isinstance(value, str))
        alike: dict[str, list[str]] = {}
        for name in sorted(counts):
            alike.setdefault(plain_name(name), []).append(f"{name!r} ({counts[name]:,})")
        groups = [" and ".join(names) for names in alike.values() if len(names) > 1]
        if groups:
            more = f"; and {len(groups) - _SHOWN:,} more" if len(groups) > _SHOWN else ""
            yield (
                f"warning: label {label!r} has class names that differ only in capitals, blanks, "
                f"hyphens or underscores: {'; '.join(groups[:_SHOWN])}{more}. Each counts as a "
                "class of its own. If they are one, write them alike at the source and give the "
                "same command again"
            )
