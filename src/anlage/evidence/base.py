"""The evidence base: the rows and rules that ship with Anlage, and the rows a user adds.

The user's rows lie in ``evidence/studies.csv`` of the configuration folder ($ANLAGE_HOME, or
~/.config/anlage), never in the package; their ids start with L.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from anlage.config import fingerprint
from anlage.errors import ConfigError, DataError
from anlage.evidence.labels import read_label_rule
from anlage.evidence.records import Row, Rule, columns, read_row
from anlage.evidence.vocabulary import BASELINES, DIMS, MODALITIES, PARADIGMS, TASKS, known_word
from anlage.plugins import nearest

__all__ = [
    "Base",
    "Words",
    "add",
    "known_words",
    "load",
    "local_table",
    "own_study",
    "read_table",
    "select",
    "write_table",
]

Words = str | Sequence[str] | None
"""One word, several of which any may hold, or None for no filter."""

_ROOM = Path(__file__).parent


@dataclass(frozen=True)
class Base:
    """Rows and rules, by id."""

    rows: tuple[Row, ...]
    rules: tuple[Rule, ...]

    def find(self, name: str) -> Row | Rule:
        """Return the row (E112, L001) or rule (R08) of that id.

        Raises:
            ConfigError: If there is none.
        """
        known: dict[str, Row | Rule] = {row.row: row for row in self.rows}
        known.update({rule.id: rule for rule in self.rules})
        found = known.get(name.strip().upper())
        if found is None:
            raise ConfigError(
                f"an id must be that of a row (E001 to {self.rows[-1].row}) or a rule (R01 to "
                f"{self.rules[-1].id}), got {name!r}.{nearest(name.upper(), list(known))}"
            )
        return found

    def resting_on(self, row: str) -> tuple[Rule, ...]:
        """Return the rules that rest on a row."""
        return tuple(rule for rule in self.rules if row in rule.evidence)

    def methods(self) -> tuple[str, ...]:
        """Return the methods that have a row, sorted."""
        return tuple(sorted({row.method for row in self.rows}))


def load(*, local: bool = True) -> Base:
    """Read the evidence base.

    Args:
        local: Whether to add the user's own rows.

    Raises:
        DataError: If the user's table cannot be read.
        ConfigError: If one of its rows breaks the schema.
    """
    shipped = _shipped()
    table = local_table()
    if not local or not table.is_file():
        return shipped
    return Base(shipped.rows + read_table(table), shipped.rules)


@cache
def _shipped() -> Base:
    rules = json.loads((_ROOM / "rules.json").read_text(encoding="utf-8"))
    return Base(
        read_table(_ROOM / "studies.csv"),
        tuple(Rule.parse(rule, where=f"rules.json, {rule.get('id')}") for rule in rules),
    )


def own_study(store: str, task: str, labels: Iterable[str]) -> str:
    """Return the name of own results about one task and labels on one store.

    Args:
        store: The store's fingerprint.
        task: The task.
        labels: Its label columns; their order does not matter.

    Example:
        >>> own_study("fc5d2d80fb212d6e", "segmentation", ())
        'local-fc5d2d80fb21-segmentation'
    """
    named = sorted(labels)
    name = "-".join(("local", store[:12], task))
    return f"{name}-{fingerprint({'labels': named})[:8]}" if named else name


def read_table(path: Path) -> tuple[Row, ...]:
    """Read and check a table of rows.

    Raises:
        DataError: If it is not a table with the columns of the schema, or an id occurs twice.
        ConfigError: If a row breaks the schema; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = tuple(reader.fieldnames or ())
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"a table must be a CSV file in UTF-8, {path} is not: {error}") from None
    unknown = sorted(set(names) - set(columns()))
    missing = sorted({"row", "study", "status", "metric"} - set(names))
    if unknown or missing:
        raise DataError(
            f"{path.name} must have the columns of the schema; missing: "
            f"{', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}. Start from "
            "the form that 'anlage evidence screen' writes."
        )
    rows = []
    for number, line in enumerate(lines, start=2):
        if None in line:
            raise DataError(
                f"{path.name}, line {number} must have {len(names)} cells, it has more."
            )
        rows.append(read_row(line, where=f"{path.name}, line {number}"))
    _check_ids(rows, path)
    return tuple(rows)


def _check_ids(rows: Iterable[Row], path: Path) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.row in seen:
            raise DataError(f"{path.name}: every id must occur once, {row.row} occurs twice.")
        seen.add(row.row)


def select(
    rows: Iterable[Row],
    *,
    modality: Words = None,
    task: Words = None,
    paradigm: Words = None,
    method: Words = None,
    labels: str | None = None,
    dims: Words = None,
    baseline: Words = None,
    verified_only: bool = False,
) -> tuple[Row, ...]:
    """Filter rows; several words in one filter mean any of them.

    Args:
        rows: Rows to choose from.
        modality: Word of the vocabulary, such as ``ct``; rows that name it are kept.
        task: Such as ``segmentation``.
        paradigm: Such as ``generative``.
        method: Such as ``mae``.
        dims: Such as ``3d``.
        baseline: Such as ``scratch``.
        labels: ``<=1%``, ``100%``, ``<=50`` (cases) or a band such as ``few``.
        verified_only: Whether to keep only rows whose figures were read at the source.

    Raises:
        ConfigError: If a word is not known; the message names the nearest.
    """
    pool = tuple(rows)
    wanted = {
        "modality": known_words("modality", modality, MODALITIES),
        "task": known_words("task", task, TASKS),
        "paradigm": known_words("paradigm", paradigm, PARADIGMS),
        "method": known_words("method", method, {row.method for row in pool}),
        "dims": known_words("dims", dims, DIMS),
        "baseline_type": known_words("baseline", baseline, BASELINES),
    }
    rule = read_label_rule(labels) if labels is not None else None
    return tuple(
        row
        for row in pool
        if all(
            words is None or words & _as_set(getattr(row, name)) for name, words in wanted.items()
        )
        and (rule is None or rule.holds(row.label_fraction, row.label_count))
        and (row.is_verified or not verified_only)
    )


def known_words(kind: str, words: Words, known: Iterable[str]) -> set[str] | None:
    """Return words as the base spells them, commas split; None for no filter."""
    if words is None:
        return None
    given = [words] if isinstance(words, str) else list(words)
    parts = [part for word in given for part in word.split(",") if part.strip()]
    return {known_word(kind, part.strip(), known) for part in parts} or None


def _as_set(value: str | tuple[str, ...]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def local_table() -> Path:
    """Return where the user's own rows lie."""
    stated = os.environ.get("ANLAGE_HOME")
    home = Path(stated) if stated else Path.home() / ".config" / "anlage"
    return home / "evidence" / "studies.csv"


def add(table: str | Path) -> tuple[Row, ...]:
    """Check rows and append them to the user's own base; ids are given, all or nothing.

    Args:
        table: CSV with the columns of the schema, such as a filled extraction form. Its own
            ids (column ``row``) may be empty.

    Returns:
        The rows as they were added, with their ids.

    Raises:
        DataError: If the table cannot be read, is empty, or a row is already there.
        ConfigError: If a row breaks the schema.
    """
    path = Path(table)
    if not path.is_file():
        raise DataError(
            f"rows are added from a CSV file, but {path} is not a file. Check the path."
        )
    own = local_table()
    before = read_table(own) if own.is_file() else ()
    start = max((int(row.row[1:]) for row in before), default=0) + 1
    new = _read_form(path, start)
    known = {_content(row) for row in (*_shipped().rows, *before)}
    repeated = [row for row in new if _content(row) in known]
    if repeated or not new:
        reason = f"{repeated[0].title!r} is already there" if repeated else "it holds no row"
        raise DataError(f"{path.name} must hold new rows, but {reason}. Remove it and try again.")
    write_table(own, (*before, *new))
    return new


def _read_form(path: Path, start: int) -> tuple[Row, ...]:
    """Read a filled form: ids are numbered from ``start``, empty lines are skipped."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = [line for line in csv.DictReader(file) if any(line.values())]
    rows = []
    for number, line in enumerate(lines):
        if None in line or set(line) - set(columns()):
            raise DataError(
                f"{path.name} must have the columns of the schema and no cell beside them. Start "
                "from the form that 'anlage evidence screen' writes."
            )
        values = {**line, "row": f"L{start + number:03d}"}
        rows.append(read_row(values, where=f"{path.name}, result {number + 1}"))
    return tuple(rows)


def _content(row: Row) -> tuple[object, ...]:
    return tuple(value for name, value in row.model_dump().items() if name not in {"row", "study"})


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a whole table at once: a crash leaves the old one."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.plain() for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(text.getvalue(), encoding="utf-8")
    draft.replace(path)
