"""`anlage evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished fine-tuning.")],
    store: Annotated[Path, typer.Option(help="Folder made by anlage prepare.")],
    part: Annotated[
        Literal["train", "val", "test"], typer.Option(help="train, val or test.")
    ] = "test",
    split: Annotated[
        str | None, typer.Option(help="Name of the split; the one it was tuned on if left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where results go.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    allow_other_spacing: Annotated[
        bool, typer.Option("--allow-other-spacing", help="Go on if pixels are of another size.")
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="auto, cpu or cuda.")
    ] = "auto",
) -> None:
    """Score a fine-tuned model on cases it has not seen, with intervals."""
    from anlage.evaluate.run import evaluate as judge

    judge(
        run,
        store=store,
        part=part,
        split=split,
        out=out,
        seed=seed,
        allow_other_spacing=allow_other_spacing,
        device=device,
    )
