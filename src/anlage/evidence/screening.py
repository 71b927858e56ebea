"""A living systematic review in a folder: searches, screening decisions, PRISMA 2020 counts.

The folder holds plain tables that people edit and keep under version control:
``searches.csv`` (what was searched, when, and what it found), ``records.csv`` (one line per
record, duplicates marked), ``decisions.csv`` (include or exclude, with the reason, newest last),
``extraction.csv`` (the form that ``anlage evidence add`` reads) and the diagram ``flow.svg``.
Source: Page et al. 2021, the PRISMA 2020 statement, flow diagram for databases and registers.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from anlage.errors import ConfigError, DataError
from anlage.evidence.records import columns
from anlage.plugins import nearest

__all__ = ["Flow", "Stage", "decide", "flow", "import_records", "log_search", "start"]

Stage = Literal["title", "retrieval", "fulltext"]

_SEARCHES = ("date", "source", "query", "found")
_RECORDS = ("id", "source", "title", "authors", "year", "identifier", "duplicate_of")
_DECISIONS = ("id", "stage", "decision", "reason", "by")
_TABLES = {"searches.csv": _SEARCHES, "records.csv": _RECORDS, "decisions.csv": _DECISIONS}


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The counts of a PRISMA 2020 flow diagram.

    Attributes:
        identified: Records by source; searches that were logged without records count too.
        duplicates: Records removed before screening.
        screened, excluded_title: Records screened by title and abstract, and excluded there.
        sought, not_retrieved: Reports sought, and not obtained.
        assessed: Reports read in full.
        excluded_fulltext: Reports excluded after reading, by reason.
        included: Reports included.
        waiting: Records without a decision yet at the stage that they have reached.
        not_imported: Records that logged searches found beyond those that were imported.
    """

    identified: dict[str, int]
    duplicates: int
    screened: int
    excluded_title: int
    sought: int
    not_retrieved: int
    assessed: int
    excluded_fulltext: dict[str, int]
    included: int
    waiting: int
    not_imported: int = 0


def start(folder: Path) -> Path:
    """Make the tables of a review that are not there yet, and the extraction form."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in {**_TABLES, "extraction.csv": columns()}.items():
        if not (folder / name).is_file():
            _write(folder / name, header, [])
    return folder


def log_search(folder: Path, *, date: str, source: str, query: str, found: int) -> None:
    """Append one search to the log.

    Raises:
        ConfigError: If the date is not a day such as 2026-05-18, or a value is missing.
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        raise ConfigError(f"a search must have a day such as 2026-05-18, got {date!r}.")
    if not source.strip() or not query.strip() or found < 0:
        raise ConfigError(
            f"a search must name its source and query and how many records it found, got "
            f"{source!r}, {query!r} and {found}."
        )
    line = {"date": date, "source": source, "query": query, "found": str(found)}
    _append(start(folder) / "searches.csv", _SEARCHES, [line])


def import_records(folder: Path, table: Path) -> tuple[int, int]:
    """Add records from a CSV with the columns title, source and, if known, the others.

    A record whose identifier (DOI, arXiv id) or title was seen before is kept and marked as a
    duplicate. Ids are numbered.

    Returns:
        How many records were added, and how many of them are duplicates.

    Raises:
        DataError: If the table is missing or lacks a title or a source.
    """
    start(folder)
    known = _read(folder / "records.csv", _RECORDS)
    seen = {key: line["id"] for line in known for key in _keys(line)}
    added: list[dict[str, str]] = []
    for given in _read(table, ()):
        line = {name: (given.get(name) or "").strip() for name in _RECORDS}
        if not line["title"] or not line["source"]:
            raise DataError(
                f"{table.name} must give every record a title and a source, record "
                f"{len(added) + 1} has {line['title']!r} and {line['source']!r}. Fill them in."
            )
        line["id"] = f"{len(known) + len(added) + 1:04d}"
        line["duplicate_of"] = next((seen[key] for key in _keys(line) if key in seen), "")
        for key in _keys(line):
            seen.setdefault(key, line["id"])
        added.append(line)
    _append(folder / "records.csv", _RECORDS, added)
    return len(added), sum(bool(line["duplicate_of"]) for line in added)


def decide(
    folder: Path,
    ids: Sequence[str],
    *,
    decision: Literal["include", "exclude"],
    stage: Stage,
    reason: str = "",
    by: str = "",
) -> None:
    """Write down what was decided on records at a stage.

    Stages follow each other: ``title`` (title and abstract), ``retrieval`` (was the report
    obtained), ``fulltext``. An exclusion after reading needs a reason.

    Raises:
        ConfigError: If an id or stage is unknown, a reason is missing, or a record has not
            passed the stage before.
    """
    stages = get_args(Stage)
    if stage not in stages:
        raise ConfigError(
            f"a stage must be one of {', '.join(stages)}, got {stage!r}.{nearest(stage, stages)}"
        )
    if decision == "exclude" and stage == "fulltext" and not reason.strip():
        raise ConfigError("an exclusion after reading must have a reason. Add --reason.")
    records = {line["id"]: line for line in _records(folder)}
    decided = _decided(folder)
    for name in ids:
        if name not in records or records[name]["duplicate_of"]:
            raise ConfigError(
                f"a decision must be on a record that is no duplicate, got {name!r}."
                f"{nearest(name, list(records))}"
            )
        before = stages[: stages.index(stage)]
        missing = [s for s in before if decided.get((name, s), ("", ""))[0] != "include"]
        if missing:
            raise ConfigError(f"record {name} must first be included at the stage {missing[0]}.")
    lines = [
        {"id": name, "stage": stage, "decision": decision, "reason": reason, "by": by}
        for name in ids
    ]
    _append(folder / "decisions.csv", _DECISIONS, lines)


def flow(folder: Path) -> Flow:
    """Count the records of a review at every stage of PRISMA 2020.

    Raises:
        DataError: If the folder is not a review.
    """
    records = _records(folder)
    decided = _decided(folder)
    identified = Counter(line["source"] for line in records)
    found: Counter[str] = Counter()
    for line in _read(folder / "searches.csv", _SEARCHES):
        identified.setdefault(line["source"], 0)
        found[line["source"]] += int(line["found"])
    unique = [line["id"] for line in records if not line["duplicate_of"]]

    def at(stage: Stage, decision: str) -> list[str]:
        return [name for name in unique if decided.get((name, stage), ("", ""))[0] == decision]

    sought, obtained = at("title", "include"), at("retrieval", "include")
    excluded = at("fulltext", "exclude")
    included, closed = at("fulltext", "include"), {*at("title", "exclude")}
    closed |= {*at("retrieval", "exclude"), *excluded, *included}
    return Flow(
        identified=dict(identified),
        duplicates=len(records) - len(unique),
        screened=len(unique),
        excluded_title=len(at("title", "exclude")),
        sought=len(sought),
        not_retrieved=len(at("retrieval", "exclude")),
        assessed=len(obtained),
        excluded_fulltext=dict(Counter(decided[(name, "fulltext")][1] for name in excluded)),
        included=len(included),
        waiting=len(unique) - len(closed),
        not_imported=sum(max(found[name] - number, 0) for name, number in identified.items()),
    )


def _decided(folder: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Return decision and reason by record and stage; a later line replaces an earlier one."""
    return {
        (line["id"], line["stage"]): (line["decision"], line["reason"])
        for line in _read(folder / "decisions.csv", _DECISIONS)
    }


def _records(folder: Path) -> list[dict[str, str]]:
    if not (folder / "records.csv").is_file():
        raise DataError(
            f"a review is a folder with records.csv, {folder} has none. Start one with "
            "'anlage evidence screen FOLDER'."
        )
    return _read(folder / "records.csv", _RECORDS)


def _keys(line: dict[str, str]) -> tuple[str, ...]:
    """Return what makes two records one: the identifier, or the title without signs."""
    title = re.sub(r"[^a-z0-9]", "", line["title"].casefold())
    identifier = re.sub(r"^(https?://(dx\.)?doi\.org/|arxiv:|doi:)", "", line["identifier"].lower())
    return tuple(key for key in (f"t:{title}", f"i:{identifier}" if identifier else "") if key)


def _read(path: Path, header: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = [{key: value or "" for key, value in line.items() if key} for line in reader]
            names = reader.fieldnames or []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a table must be a CSV file in UTF-8, {path} is not: {error}") from None
    missing = [name for name in header if name not in names]
    if missing:
        raise DataError(
            f"{path.name} must have the columns {', '.join(header)}, it lacks {missing}."
        )
    return lines


def _append(path: Path, header: Sequence[str], lines: Iterable[dict[str, str]]) -> None:
    _write(path, header, [*_read(path, header), *lines])


def _write(path: Path, header: Sequence[str], lines: Iterable[dict[str, str]]) -> None:
    draft = path.with_suffix(".tmp")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: line.get(name, "") for name in header} for line in lines)
    draft.replace(path)
