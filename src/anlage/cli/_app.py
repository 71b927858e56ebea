"""The verbs under one command, and what it answers when something goes wrong.

Only Typer is imported here; a verb imports what it needs when it runs, so `anlage --help`
answers at once.
"""

from __future__ import annotations

import errno
import functools
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from anlage.errors import AnlageError, ShapeError

__all__ = ["app", "run"]

_ORDER = (
    "prepare",
    "advise",
    "audit",
    "pretrain",
    "finetune",
    "evaluate",
    "study",
    "report",
    "demo",
    "modality",
    "evidence",
    "cohort",
    "verify",
    "locate",
)

app = typer.Typer(
    name="anlage",
    help="Anlage - from unlabelled scans to an encoder that is proven to help your task.",
    epilog="New here?  anlage demo   (no data needed)        "
    "Your data?  anlage prepare FOLDER --modality ct --out store/        "
    "Trouble?  add --debug to any verb to see where an error comes from",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run(arguments: list[str] | None = None) -> None:
    """Run the command and turn errors into one clear message and an exit code.

    Exit codes: 0 done; 1 a fault of ours, or a run that collapsed or diverged; 2 a mistake that
    the user can mend; 130 Ctrl-C; 143 SIGTERM.
    """
    given = sys.argv[1:] if arguments is None else arguments
    is_debug = "--debug" in given
    _add_verbs()
    try:
        app([argument for argument in given if argument != "--debug"], prog_name="anlage")
    except AnlageError as error:
        if is_debug:
            raise
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, ShapeError) else 2)
    except OSError as error:
        if is_debug:
            raise
        reason = error.strerror or type(error).__name__
        remedy = "Free space" if error.errno == errno.ENOSPC else "Look after it"
        print(
            f"DataError: the disk or network must work, but it failed ({reason}). {remedy}; the "
            "same command goes on from here.",
            file=sys.stderr,
        )
        sys.exit(2)
    except Exception as error:
        if is_debug:
            raise
        print(_fault(error), file=sys.stderr)
        sys.exit(1)


def _fault(error: Exception) -> str:
    """Say in one line what broke and where, without values that could name a patient."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: this is a "
        "fault of Anlage or of this machine, such as too little memory. Nothing that is done is "
        "lost; add --debug to see where it comes from."
    )


def _add_verbs() -> None:
    """Add every verb in this folder, in the order in which they are used."""
    found = {path.stem for path in Path(__file__).parent.glob("[!_]*.py")}
    known = {command.name for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    for name in (*_ORDER, *sorted(found - set(_ORDER))):
        if name in found and name not in known:
            module = importlib.import_module(f"anlage.cli.{name}")
            verb = getattr(module, name)
            if isinstance(verb, typer.Typer):
                app.add_typer(verb, name=name)
            else:
                app.command(name)(_stoppable(verb))


def _stoppable(verb: Callable[..., None]) -> Callable[..., None]:
    """Answer Ctrl-C in words wherever a verb does not do so itself."""

    @functools.wraps(verb)
    def run(*given: object, **options: object) -> None:
        try:
            verb(*given, **options)
        except KeyboardInterrupt:
            print("Stopped. Nothing is lost: the same command goes on from here.", file=sys.stderr)
            raise typer.Exit(130) from None

    return run
