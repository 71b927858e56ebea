"""The study's page: one HTML file that answers, shows the proof, and says how to repeat it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from anlage.errors import DataError
from anlage.report._curves import curve_figure, health_rows
from anlage.report._efficiency import efficiency, styles
from anlage.report._forest import WIDTH, forests
from anlage.report._lookup import Lookup
from anlage.report._pictures import views, worst_cases
from anlage.report._read import Study, read_study
from anlage.report._repeat import REFERENCES, command, facts, methods_text, settings_text
from anlage.report._tables import costs, failures, metric_tables, result_table, total_hours
from anlage.report._verdict import limits, verdict_lines
from anlage.report.judgement import FEWEST_RUNS

__all__ = ["write_report"]


def write_report(study: str | Path) -> Path:
    """Write ``report.html`` into a study folder, from nothing but the files in that folder.

    The page is one file: styles and pictures are inside, and it loads nothing. Equal files give
    an equal page, byte for byte. A study that was stopped gets a page that says so.

    Args:
        study: The study folder.

    Returns:
        The page's path.

    Raises:
        DataError: If the folder holds no study, or cannot be written.
    """
    root = Path(study)
    if not any((root / name).is_file() for name in ("study.yaml", "results.json")):
        raise DataError(
            f"a study folder holds study.yaml, {root} has none. Name the folder that was given "
            "to anlage study as --out."
        )
    page = _environment().get_template("page.html").render(_story(read_study(root)))
    path, draft = root / "report.html", root / ".report.html.tmp"
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise DataError(
            f"the report must be written into {root}, got {error.strerror}. Free space, or make "
            "the folder writable."
        ) from error
    return path


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _story(study: Study) -> dict[str, Any]:
    """Return everything that the template prints."""
    lookup = Lookup(study.results)
    tasks = lookup.tasks
    colours = {name: style.colour for name, style in styles(lookup).items()}
    runs = {s: [r for r in study.pretrainings if r.strategy == s] for s in lookup.strategies}
    curves = (curve_figure(name, runs[name], colours[name]) for name in lookup.strategies)
    return {
        "study": study,
        "results": study.results,
        "strategies": lookup.strategies,
        "verdict": verdict_lines(lookup),
        "limits": limits(study, lookup),
        "efficiency": [figure for task in tasks if (figure := efficiency(lookup, task))],
        "tables": [result_table(lookup, task, lookup.headline(task)) for task in tasks]
        if study.results.cells
        else [],
        "all_tables": [table for task in tasks for table in metric_tables(lookup, task)],
        "forests": [(task, forest) for task in tasks if (forest := forests(lookup, task))],
        "forest_width": WIDTH,
        "fewest_runs": FEWEST_RUNS,
        "failures": failures(study),
        "views": views(study, lookup),
        "curves": [figure for figure in curves if figure],
        "health": health_rows(study.pretrainings),
        "worst": [(task, sheets) for task in tasks if (sheets := worst_cases(study, lookup, task))],
        "costs": costs(study, lookup),
        "hours": total_hours(study),
        "command": command(),
        "facts": facts(study),
        "settings": settings_text(study),
        "methods": methods_text(study, lookup),
        "references": REFERENCES,
    }
