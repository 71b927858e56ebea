"""`anlage cohort`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["cohort"]


def cohort(
    out: Annotated[Path, typer.Argument(help="Folder for images, masks and the table.")],
    modality: Annotated[str, typer.Option(help="ct, cxr, mri, ultrasound, histology, ...")],
    patients: Annotated[int, typer.Option(help="Patients in the cohort.")] = 200,
    images: Annotated[int, typer.Option(help="2D images of each patient.")] = 1,
    dims: Annotated[int, typer.Option(help="2, or 3 for volumes (ct, mri, pet).")] = 2,
    size: Annotated[int, typer.Option(help="Edge of an image in pixels.")] = 64,
    lesion_mm: Annotated[
        str | None, typer.Option(help="Diameter in mm, such as 4, or a range, such as 4,12.")
    ] = None,
    lesions: Annotated[
        str, typer.Option(help="Lesions of a patient who has any: 1, or a range, such as 1,4.")
    ] = "1",
    contrast: Annotated[float, typer.Option(help="1 plain, 0 invisible.")] = 1.0,
    lesion_share: Annotated[float, typer.Option(help="Share of patients with a lesion.")] = 0.75,
    kinds: Annotated[
        list[str] | None, typer.Option(help="Lesion kind that occurs; repeatable. Default: all.")
    ] = None,
    sites: Annotated[int, typer.Option(help="Hospitals that the patients come from.")] = 3,
    site_strength: Annotated[
        float, typer.Option(help="How far the sites' images differ, 0 to 1.")
    ] = 0.5,
    shortcut: Annotated[
        float, typer.Option(help="Share of patients whose site gives their class away.")
    ] = 0.0,
    marked: Annotated[
        float, typer.Option(help="Share of lesions that a mark in the image gives away.")
    ] = 0.0,
    clean: Annotated[
        bool, typer.Option("--clean", help="Write each image also without blur and noise.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed is another cohort.")] = 0,
) -> None:
    """Write virtual patients of a modality as files, with the truth in a table; needs no data."""
    from anlage.cli._settings import numbers, sizes
    from anlage.data.cohort import cohort as run
    from anlage.data.cohort import prepare_command
    from anlage.progress import say

    folder = run(
        out,
        modality=modality,
        patients=patients,
        images=images,
        dims=dims,
        size=size,
        lesion_mm=numbers(lesion_mm),
        lesions=sizes(lesions) or 1,
        contrast=contrast,
        lesion_share=lesion_share,
        kinds=kinds or (),
        sites=sites,
        site_strength=site_strength,
        shortcut=shortcut,
        marked=marked,
        clean=clean,
        seed=seed,
    )
    say(f"Next: {prepare_command(folder)}")
