"""`anlage pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["pretrain"]


def pretrain(
    store: Annotated[Path, typer.Argument(help="Folder made by anlage prepare.")],
    out: Annotated[Path, typer.Option(help="Run folder; the encoder ends up in out/encoder.")],
    recipe: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    method: Annotated[str | None, typer.Option(help="simclr, vicreg, mae, ...")] = None,
    encoder: Annotated[str | None, typer.Option(help="resnet18, resenc, vit_tiny, ...")] = None,
    image_size: Annotated[str | None, typer.Option(help="64, or 48,56,48.")] = None,
    field: Annotated[str | None, typer.Option(help="auto, image or window.")] = None,
    split: Annotated[str | None, typer.Option(help="Name of the split.")] = None,
    parts: Annotated[list[str] | None, typer.Option(help="Part to use; repeatable.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the images.")] = None,
    steps: Annotated[int | None, typer.Option(help="Weight updates, instead of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per update.")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Micro-batches per update.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, order and views.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as a.b=value; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Pretrain an encoder on unlabelled images, 2D or 3D, CPU to many GPUs (torchrun)."""
    from anlage.cli._settings import ending, gather, sizes
    from anlage.progress import say
    from anlage.train.settings import PretrainConfig

    options = {
        "method": method,
        "encoder": encoder,
        "image_size": sizes(image_size),
        "field": field,
        "split": split,
        "parts": parts,
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "learning_rate": learning_rate,
        "precision": precision,
        "device": device,
        "seed": seed,
    }
    settings = gather(options, set_ or ())
    PretrainConfig.read(recipe, settings, verb="pretrain")  # before seconds of importing torch
    from anlage.train.pretrain import pretrain as run

    outcome = run(store, out=out, recipe=recipe, dry_run=dry_run, **settings)
    if outcome.status != "finished":
        say(ending(outcome.status, outcome.reason))
    if outcome.status == "finished" and not dry_run:
        say(f"Encoder: {out / 'encoder'}")
        say(f"Next: anlage finetune {store} --start {out} --task {_task(store)} --out {out}-tuned")
    raise typer.Exit(outcome.exit_code)


def _task(store: Path) -> str:
    """Return the task that a store has targets for, as options; LABEL where there is a choice."""
    from anlage.data.store import Store

    opened = Store.open(store)
    labels = opened.label_names
    if not labels and opened.has_mask.any():
        return "segmentation"
    return f"classification --label {labels[0] if len(labels) == 1 else 'LABEL'}"
