"""`anlage audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["audit"]


def audit(
    store: Annotated[Path, typer.Argument(help="Folder made by anlage prepare.")],
    method: Annotated[str | None, typer.Option(help="simclr, vicreg, mae, ...")] = None,
    task: Annotated[str | None, typer.Option(help="Such as segmentation.")] = None,
    label: Annotated[str | None, typer.Option(help="Label column that the task reads.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML file for pretrain.")] = None,
    site: Annotated[str | None, typer.Option(help="Label column of site or scanner.")] = None,
    split: Annotated[str, typer.Option(help="Name of the split.")] = "default",
    images: Annotated[int, typer.Option(help="How many training images to look at.")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of images, views and intervals.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer images, and only the recipe's strengths.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for audit.html, audit.json and corrected.yaml.")
    ] = None,
) -> None:
    """Measure whether views, masks and corruptions keep what your task needs."""
    from anlage.alignment.by_hand import next_by_hand
    from anlage.progress import say
    from anlage.train.audit import audit as run

    found = run(
        store,
        method=method,
        task=task,
        label=label,
        recipe=recipe,
        site=site,
        split=split,
        images=images,
        seed=seed,
        quick=quick,
        out=out,
    )
    by_hand = next_by_hand(found)
    if by_hand is not None:
        say(f"Next: {by_hand}")
    elif out is None:
        say("Next: the same command with --out FOLDER, for pictures and a corrected recipe")
    elif found.corrections:
        say(f"Next: anlage pretrain {store} --recipe {out / 'corrected.yaml'} --out RUN")
    else:
        again = f" --recipe {recipe}" if recipe else f" --method {method or 'simclr'}"
        say(f"Next: anlage pretrain {store}{again} --out RUN")
