"""`anlage locate`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["locate"]


def locate(
    ids: Annotated[list[str], typer.Argument(help="Ids from quarantine.csv or a report.")],
    source: Annotated[Path, typer.Option(help="The source that the store was made from.")],
    labels: Annotated[Path | None, typer.Option(help="Its table, if it had one.")] = None,
    image: Annotated[str, typer.Option(help="Column of image paths.")] = "image",
    layout: Annotated[str, typer.Option(help="Layout of the source.")] = "auto",
) -> None:
    """Say which file an id stands for; needs the source and this user's identity key."""
    from anlage.data.locate import locate as run

    found = run(ids, source=source, labels=labels, image=image, layout=layout)
    for image_id, key in found.items():
        typer.echo(f"{image_id}  {key or _missing(image_id)}")
    if None in found.values():
        typer.echo(
            "What is not found: give --source, --labels, --image and --layout as anlage prepare "
            "got them, and use the identity key of then (in ANLAGE_HOME)."
        )
    if any(found.values()):
        typer.echo(f"Next, once they are mended: anlage prepare {source} --out STORE")


def _missing(image_id: str) -> str:
    """Say why an id stands for no file, as far as it can be told."""
    if re.fullmatch("[0-9a-f]{16}", image_id):
        return "no file of this source has this id"
    return "is no id: ids have 16 digits or letters a to f, as in quarantine.csv"
