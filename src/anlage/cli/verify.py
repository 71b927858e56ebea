"""`anlage verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["verify"]


def verify(store: Annotated[Path, typer.Argument(help="Folder made by anlage prepare.")]) -> None:
    """Read a whole store and compare it with its hashes; exit code 1 if anything is damaged."""
    from anlage.data.verify import verify as run
    from anlage.report.words import several

    damages = run(store)
    for damage in damages:
        images = several(len(damage.ids), "image")
        typer.echo(f"  {damage.shard}: {damage.reason}; {images} lost, first {damage.ids[0]}")
    if not damages:
        typer.echo("Every image and label map is as it was stored.")
        typer.echo(f"Next: anlage pretrain {store} --method simclr --out runs/first")
        return
    typer.echo(f"{several(len(damages), 'shard')} of {store} damaged; the disk may be failing.")
    typer.echo(
        "Next: copy the store again, or give the anlage prepare command that made it, with "
        "--overwrite"
    )
    raise typer.Exit(1)
