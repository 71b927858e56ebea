"""`anlage prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["prepare"]


def prepare(
    source: Annotated[Path, typer.Argument(help="Folder, archive (zip, tar) or npz file.")],
    out: Annotated[Path, typer.Option(help="Folder of the store.")],
    modality: Annotated[str, typer.Option(help="cxr, ct, mri, ultrasound, ...")] = "generic",
    sequence: Annotated[str | None, typer.Option(help="adc in mri: keeps its unit.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Table with one row per image.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Column to keep as label.")] = None,
    image: Annotated[str, typer.Option(help="Column of image paths.")] = "image",
    mask: Annotated[str | None, typer.Option(help="Column of label-map paths.")] = None,
    boxes: Annotated[Path | None, typer.Option(help="Table with one row per box.")] = None,
    patient: Annotated[str | None, typer.Option(help="Column of patient ids.")] = None,
    label_maps: Annotated[
        str, typer.Option(help="What 255 is in label maps: auto, numbers, black_white.")
    ] = "auto",
    site: Annotated[str | None, typer.Option(help="Column of sites or scanners.")] = None,
    split: Annotated[str | None, typer.Option(help="Column: train, val or test.")] = None,
    layout: Annotated[str, typer.Option(help="Layout of the source.")] = "auto",
    size: Annotated[int | None, typer.Option(help="Canvas edge in pixels, 2D.")] = None,
    spacing_mm: Annotated[str | None, typer.Option(help="Voxel edges, as 1,1,3.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of a drawn split.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Reading processes.")] = None,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Go on if the split leaks.")
    ] = False,
    allow_burned_in: Annotated[
        bool, typer.Option("--allow-burned-in", help="Take images that may show text.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make the store anew.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if an image is unusable.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Read images, check them, split them by patient, store them for speed."""
    from anlage.cli._settings import numbers
    from anlage.data.prepare import prepare as run
    from anlage.progress import say

    run(
        source,
        out=out,
        modality=modality,
        sequence=sequence,
        labels=labels,
        label=label or [],
        image=image,
        mask=mask,
        boxes=boxes,
        patient=patient,
        site=site,
        split=split,
        layout=layout,
        size=size,
        spacing_mm=numbers(spacing_mm),
        seed=seed,
        workers=workers,
        allow_leaks=allow_leaks,
        allow_burned_in=allow_burned_in,
        overwrite=overwrite,
        strict=strict,
        dry_run=dry_run,
        label_maps=label_maps,
    )
    if not dry_run:
        say(f"Next: anlage pretrain {out} --method simclr --out runs/{out.name}-simclr")
