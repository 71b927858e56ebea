"""Progress for people: a bar with rate and time left on a terminal, a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

__all__ = ["say", "track"]

Advance = Callable[[int, str], None]

_PLAIN_EVERY_S = 15.0


def say(line: str) -> None:
    """Print one line of plain text to the user."""
    print(line, flush=True)


@contextmanager
def track(
    what: str | None, total: int, *, done: int = 0, unit: str = "images"
) -> Iterator[Advance]:
    """Show how far a long job is.

    Args:
        what: What is being done, such as "Reading"; None shows nothing.
        total: Number of units of work.
        done: Units finished before, in an earlier run.
        unit: What is counted.

    Yields:
        A function to call with the number of units just finished and a short note.
    """
    if what is None:
        yield _nothing
    elif Console(stderr=True).is_terminal:
        yield from _bar(what, total, done, unit)
    else:
        yield from _lines(what, total, done, unit)


def _nothing(_count: int, _note: str = "") -> None:
    """Show nothing."""


def _bar(what: str, total: int, done: int, unit: str) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    start = time.monotonic()
    fresh = 0
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task(what, total=total, completed=done, rate="", note="")

        def advance(count: int, note: str = "") -> None:
            nonlocal fresh
            fresh += count
            rate = fresh / max(time.monotonic() - start, 1e-9)
            progress.update(task, advance=count, rate=_pace(rate, unit), note=note)

        yield advance


def _lines(what: str, total: int, done: int, unit: str) -> Iterator[Advance]:
    start = last = time.monotonic()
    finished = done

    def advance(count: int, note: str = "") -> None:
        nonlocal finished, last
        finished += count
        now = time.monotonic()
        if now - last < _PLAIN_EVERY_S and finished < total:
            return
        last = now
        rate = (finished - done) / max(now - start, 1e-9)
        left = (total - finished) / rate if rate > 0 else 0.0
        line = f"{what} {finished}/{total}  {_pace(rate, unit)}  {_clock(left)} left  {note}"
        print(line.rstrip(), file=sys.stderr, flush=True)

    yield advance


def _pace(rate: float, unit: str) -> str:
    """Write how fast it goes: per second, or how long one takes where that is longer."""
    if rate >= 1 or rate <= 0:
        return f"{rate:,.0f} {unit}/s"
    return f"{1 / rate:,.1f} s/{unit.removesuffix('s')}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
