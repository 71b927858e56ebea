"""`anlage modality`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["modality"]


def modality(
    name: Annotated[
        str | None, typer.Argument(help="A modality, such as ct; none: a list.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Draw every view at its default and at its limit.")
    ] = False,
    image: Annotated[
        Path | None, typer.Option(help="An image of yours to draw on, in any known format.")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="A store to draw on: its first image.")] = None,
    out: Annotated[Path | None, typer.Option(help="Picture; default: NAME-policy.png.")] = None,
    format: Annotated[
        Literal["text", "json"], typer.Option(help="text for people, json for programs.")
    ] = "text",
) -> None:
    """List the modalities, or say what one allows, avoids and forbids, and why."""
    from anlage.report.policy import modality as run

    typer.echo(run(name, show=show, image=image, store=store, out=out, format=format))
