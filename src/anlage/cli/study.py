"""`anlage study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["study"]


def study(
    store: Annotated[Path, typer.Argument(help="Folder made by anlage prepare.")],
    out: Annotated[Path, typer.Option(help="Study folder.")],
    recipe: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    task: Annotated[str | None, typer.Option(help="classification or segmentation.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Label column; repeatable.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Method to try; repeatable.")] = None,
    encoder: Annotated[str | None, typer.Option(help="resnet18, resenc, vit_tiny, ...")] = None,
    image_size: Annotated[str | None, typer.Option(help="64, or 48,56,48.")] = None,
    steps: Annotated[int | None, typer.Option(help="Weight updates per pretraining.")] = None,
    budgets: Annotated[list[str] | None, typer.Option(help="5-shot, 10%, ...; repeatable.")] = None,
    pretrain_seeds: Annotated[int | None, typer.Option(help="Pretrainings per method.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of labels per budget.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as a.b=value; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be run.")] = False,
) -> None:
    """The proof: methods and controls x label budgets x seeds, one report."""
    from anlage.cli._settings import gather, sizes
    from anlage.progress import say
    from anlage.study.config import read_config

    options = {
        "task": task,
        "label": label,
        "method": method,
        "encoder": encoder,
        "image_size": sizes(image_size),
        "steps": steps,
        "budgets": budgets,
        "pretrain_seeds": pretrain_seeds,
        "draws": draws,
        "device": device,
    }
    settings = gather(options, set_ or ())
    read_config(recipe, **settings)  # before seconds of importing torch
    from anlage.study.run import study as run

    outcome = run(store, out=out, recipe=recipe, dry_run=dry_run, **settings)
    for line in outcome.next:
        say(line)
    raise typer.Exit(outcome.exit_code)
