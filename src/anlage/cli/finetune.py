"""`anlage finetune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["finetune"]


def finetune(
    store: Annotated[Path, typer.Argument(help="Folder made by anlage prepare.")],
    out: Annotated[Path, typer.Option(help="Run folder; the model ends up in out/model.")],
    recipe: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Pretraining run, or scratch, or imagenet.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="classification or segmentation.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Label column; repeatable.")] = None,
    budget: Annotated[str | None, typer.Option(help="100%, 10% or 5-shot.")] = None,
    draw: Annotated[int | None, typer.Option(help="Number of the draw of labels.")] = None,
    encoder: Annotated[str | None, typer.Option(help="For scratch and imagenet.")] = None,
    image_size: Annotated[str | None, typer.Option(help="64, or 48,56,48.")] = None,
    split: Annotated[str | None, typer.Option(help="Name of the split.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    allow_seen: Annotated[
        bool, typer.Option("--allow-seen", help="Go on if the encoder saw test images.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as a.b=value; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Adapt an encoder to a task: classification, segmentation."""
    from anlage.cli._settings import ending, gather, sizes
    from anlage.progress import say
    from anlage.train.settings import FinetuneConfig

    options = {
        "start": start,
        "task": task,
        "label": label,
        "budget": budget,
        "draw": draw,
        "encoder": encoder,
        "image_size": sizes(image_size),
        "split": split,
        "device": device,
        "allow_seen": allow_seen or None,
    }
    settings = gather(options, set_ or ())
    FinetuneConfig.read(recipe, settings, verb="finetune")  # before seconds of importing torch
    from anlage.train.finetune import finetune as run

    outcome = run(store, out=out, recipe=recipe, dry_run=dry_run, **settings)
    if outcome.status != "finished":
        say(ending(outcome.status, outcome.reason))
    if outcome.status == "finished" and not dry_run:
        say(f"Next: anlage evaluate {out} --store {store}")
    raise typer.Exit(outcome.exit_code)
