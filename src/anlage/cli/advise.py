"""`anlage advise`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["advise"]


class Form(StrEnum):
    """How advice is written."""

    md = "md"
    json = "json"
    html = "html"


def advise(
    store: Annotated[
        Path | None, typer.Option(help="Folder made by anlage prepare; tells most of the case.")
    ] = None,
    modality: Annotated[str | None, typer.Option(help="Such as ct.")] = None,
    task: Annotated[str | None, typer.Option(help="Such as segmentation.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Label column; repeatable.")] = None,
    dims: Annotated[int | None, typer.Option(help="2 or 3.")] = None,
    image_size: Annotated[str | None, typer.Option(help="512, or 512,512,120.")] = None,
    spacing_mm: Annotated[str | None, typer.Option(help="0.7, or 0.7,0.7,2.5.")] = None,
    lesion_mm: Annotated[float | None, typer.Option(help="Diameter of what must be found.")] = None,
    signal: Annotated[str | None, typer.Option(help="global or local.")] = None,
    unlabelled: Annotated[
        int | None, typer.Option(help="Training patients with images, labelled ones included.")
    ] = None,
    labelled: Annotated[int | None, typer.Option(help="Training patients with labels.")] = None,
    rarest_share: Annotated[
        float | None, typer.Option(help="Share of the rarest class, 0 to 1.")
    ] = None,
    sites: Annotated[int | None, typer.Option(help="Hospitals or scanners.")] = None,
    has_side: Annotated[
        bool | None, typer.Option("--has-side/--no-side", help="Labels name a side of the body.")
    ] = None,
    normals_only: Annotated[
        bool | None,
        typer.Option("--normals-only/--not-only-normals", help="No abnormal image is known."),
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="At hand: imagenet or medical; repeatable.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: this machine.")] = None,
    memory_gb: Annotated[float | None, typer.Option(help="Its memory.")] = None,
    hours: Annotated[float | None, typer.Option(help="Time for everything.")] = None,
    audit: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of anlage audit --out; repeatable. Ranks nothing."),
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Explain the ranking step by step.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every strategy in full.")] = False,
    recipe: Annotated[
        Path | None, typer.Option(help="Write what study runs here, and pretrain's beside it.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="md, json or html.")] = Form.md,
    out: Annotated[Path | None, typer.Option(help="Write to this file, not the screen.")] = None,
) -> None:
    """Rank strategies for your modality, task, label budget and machine, with the evidence."""
    from anlage.advisor.recipe import write_recipes
    from anlage.advisor.verb import advise as run
    from anlage.cli._settings import numbers, sizes

    advice = run(
        store=store,
        audit=audit or (),
        modality=modality,
        task=task,
        label=tuple(label or ()),
        dims=dims,
        image_size=sizes(image_size),
        spacing_mm=numbers(spacing_mm),
        lesion_mm=lesion_mm,
        signal=signal,
        unlabelled=unlabelled,
        labelled=labelled,
        rarest_share=rarest_share,
        sites=sites,
        has_side=has_side,
        normals_only=normals_only,
        weights=tuple(weights) if weights else None,
        device=device,
        memory_gb=memory_gb,
        hours=hours,
    )
    recipes = write_recipes(advice, recipe) if recipe is not None else []
    if form is Form.html:
        from anlage.advisor.html import as_html

        text = as_html(advice)
    else:
        from anlage.advisor.words import as_json, as_markdown

        text = (
            as_json(advice)
            if form is Form.json
            else as_markdown(advice, why=why, every=every, store=store, recipes=recipes)
        )
    if out is None:
        typer.echo(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"Written: {', '.join(map(str, [out, *recipes]))}")
