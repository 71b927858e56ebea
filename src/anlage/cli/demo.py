"""`anlage demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("runs/demo"),
) -> None:
    """The whole job on virtual patients, in a few minutes; needs no data."""
    from anlage.progress import say
    from anlage.study.demo import demo as run

    outcome = run(out=out)
    for line in outcome.next:
        say(line)
    raise typer.Exit(outcome.exit_code)
