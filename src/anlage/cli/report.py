"""`anlage report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    study: Annotated[Path, typer.Argument(help="Study folder.")],
) -> None:
    """Write a study's report again, from the results it kept."""
    from anlage.progress import say
    from anlage.report.study_page import write_report

    path = write_report(study)
    say(f"Report: {path}")
    say(f"Next: python -m webbrowser {path.resolve()}")
