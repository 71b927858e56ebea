"""`anlage locate`."""

from __future__ import annotations

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

    for image_id, key in run(ids, source=source, labels=labels, image=image, layout=layout).items():
        typer.echo(f"{image_id}  {key or 'not in this source, or hashed with another key'}")
    typer.echo(f"Next, once they are mended: anlage prepare {source} --out STORE")
