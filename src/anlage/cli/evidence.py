"""`anlage evidence`: ask the evidence base, look up an id, add results, keep a review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

__all__ = ["evidence"]


class _IdsOrCommands(TyperGroup):
    """A group in which a word that is no command is an id to show: `anlage evidence E112`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; ids go to `show`."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


evidence = typer.Typer(cls=_IdsOrCommands, invoke_without_command=True, rich_markup_mode=None)


@evidence.callback()
def ask(
    context: typer.Context,
    modality: Annotated[str | None, typer.Option(help="Such as ct; commas join several.")] = None,
    task: Annotated[str | None, typer.Option(help="Such as segmentation.")] = None,
    paradigm: Annotated[
        str | None, typer.Option(help="contrastive, predictive, generative or hybrid.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Such as mae.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="'<=1%', '100%', '<=50' cases, or a band such as few.")
    ] = None,
    dims: Annotated[str | None, typer.Option(help="2d, 2d+t, 3d, ...")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="What SSL is compared with; default: controls without SSL.")
    ] = None,
    verified_only: Annotated[
        bool, typer.Option("--verified-only/--all", help="Leave second-hand results out or in.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Also write forest.html, .svg, .png, .csv or .json.")
    ] = None,
) -> None:
    """Show what published studies say, with the pooled effect; or an id: evidence E112 R08."""
    if context.invoked_subcommand is not None:
        return
    from anlage.evidence import load
    from anlage.evidence.verb import evidence as run
    from anlage.evidence.words import answer_text

    answer = run(
        modality=modality,
        task=task,
        paradigm=paradigm,
        method=method,
        labels=labels,
        dims=dims,
        baseline=baseline,
        verified_only=verified_only,
        out=out,
    )
    typer.echo(answer_text(answer, load(), with_rows=bool(answer.question)))
    if not answer.question:
        typer.echo("Narrow it to see the rows, such as: --modality ct --task segmentation")
    if out is not None:
        typer.echo(f"Written: {out}")


@evidence.command("show")
def show(
    ids: Annotated[list[str], typer.Argument(help="Ids of rows (E112) or rules (R08).")],
) -> None:
    """Show a row or a rule with its source."""
    from anlage.evidence import load
    from anlage.evidence.words import entry_text

    base = load()
    typer.echo("\n\n".join(entry_text(base.find(name), base) for name in ids))


@evidence.command("add")
def add(
    table: Annotated[Path, typer.Argument(help="CSV in the schema, such as extraction.csv.")],
) -> None:
    """Check results and add them to your own base; the package is never changed."""
    from anlage.evidence.base import add as run
    from anlage.evidence.base import local_table

    for row in run(table):
        typer.echo(f"{row.row}  {row.title}")
    typer.echo(f"Added to {local_table()}")


@evidence.command("learn")
def learn(
    study: Annotated[Path, typer.Argument(help="Folder of a finished study.")],
) -> None:
    """Add your own study to your own base: the advisor weighs it by its precision."""
    from anlage.evidence.base import local_table
    from anlage.evidence.learn import learn as run

    rows = run(study)
    for row in rows:
        deviation = f" (standard error {100 * row.delta_se:.1f})" if row.delta_se else ""
        typer.echo(
            f"{row.row}  {row.method} at {row.labels}: {row.effect:+.1f} over {row.baseline_type}"
            f"{deviation}"
        )
    typer.echo(f"Added to {local_table()}")
    last = rows[-1]  # rows of one study share modality and dims
    typer.echo(
        f"Next: anlage advise --modality {last.modality[0]} --task {last.task[0]} "
        f"--dims {last.dims[0].removesuffix('d')} --labelled {last.label_count}"
    )


@evidence.command("screen")
def screen(
    folder: Annotated[Path, typer.Argument(help="Folder of the review; made if missing.")],
    search: Annotated[str | None, typer.Option(help="Log a search: its query.")] = None,
    source: Annotated[str, typer.Option(help="Where it was searched, such as PubMed.")] = "",
    date: Annotated[str, typer.Option(help="Day of the search, such as 2026-05-18.")] = "",
    found: Annotated[int, typer.Option(help="How many records the search found.")] = 0,
    records: Annotated[
        Path | None, typer.Option(help="Import records: CSV with title and source.")
    ] = None,
    include: Annotated[list[str] | None, typer.Option(help="Record id; repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Record id; repeatable.")] = None,
    stage: Annotated[str, typer.Option(help="title, retrieval or fulltext.")] = "title",
    reason: Annotated[str, typer.Option(help="Why a record is excluded.")] = "",
    by: Annotated[str, typer.Option(help="Who decided.")] = "",
) -> None:
    """Keep a living systematic review: searches, decisions, PRISMA 2020 counts and diagram."""
    from anlage.evidence.review import screen as run

    typer.echo(
        run(
            folder,
            search=search,
            source=source,
            date=date,
            found=found,
            records=records,
            include=include,
            exclude=exclude,
            stage=stage,
            reason=reason,
            by=by,
        )
    )
