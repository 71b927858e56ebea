"""A study folder as typed values; what is missing or torn is empty, and never an error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from anlage.config import read_yaml
from anlage.errors import ConfigError
from anlage.report._schema import PretrainingFacts, Results

__all__ = ["Job", "PretrainRun", "Study", "read_study"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One finished adaptation.

    Attributes:
        parameters: Of the adapted network; None for probes.
        worst: Picture of its worst cases, if it was drawn.
    """

    key: str
    task: str
    arm: str
    rung: str
    budget: str
    draw: int
    seed: int
    parameters: int | None
    worst: Path | None


@dataclass(frozen=True, kw_only=True)
class PretrainRun:
    """One pretraining as its folder tells it.

    Attributes:
        status: ``finished``, ``running``, ``stopped``, ``collapsed``, ``diverged``; ``waiting``
            if it has not begun.
        reason: Why it ended so.
        images_per_step: Images per weight update.
        log: Lines of log.jsonl; values that are no finite numbers are left out.
        views: Picture of what the method is shown, if it was drawn.
    """

    strategy: str
    seed: int
    status: str
    reason: str
    steps: int
    images_per_step: int
    seconds: float
    device: str
    log: tuple[dict[str, float], ...]
    views: Path | None


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that a study folder holds.

    Attributes:
        results: Its results.json; empty if there is none.
        problem: Why there are no results; empty if there are.
        settings: Its study.yaml.
        pretrainings: By strategy and seed.
        jobs: Finished adaptations.
    """

    root: Path
    results: Results
    problem: str
    settings: dict[str, Any]
    pretrainings: tuple[PretrainRun, ...]
    jobs: tuple[Job, ...]


def read_study(root: Path) -> Study:
    """Read a study folder."""
    results, problem = _results(root / "results.json")
    if problem:
        results = Results(pretrainings=tuple(_found_pretrainings(root)))
    try:
        settings = read_yaml(root / "study.yaml")
    except (ConfigError, OSError, UnicodeDecodeError):
        settings = {}
    return Study(
        root=root,
        results=results,
        problem=problem,
        settings=settings,
        pretrainings=tuple(_pretrainings(root, results)),
        jobs=tuple(_jobs(root, results)),
    )


def _results(path: Path) -> tuple[Results, str]:
    if not path.is_file():
        return Results(), "The study was stopped before it wrote any result."
    found = _json(path)
    if not found:
        return Results(), "results.json cannot be read: it is not whole."
    try:
        return Results.model_validate(found), ""
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        return Results(), f"results.json cannot be read ({place}: {first['msg']})."


def _json(path: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one where there is none to read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _pretrainings(root: Path, results: Results) -> Iterator[PretrainRun]:
    for job in results.pretrainings:
        if not _is_inside(job.key):
            continue
        folder = root / "pretrain" / job.key
        card = _json(folder / "run.json")
        stated = _mapping(card, "stated")
        config = _mapping(stated, "config")
        log = tuple(_log(folder / "log.jsonl"))
        views = folder / "views.png"
        yield PretrainRun(
            strategy=job.strategy,
            seed=job.seed,
            status=str(card.get("status", "waiting")),
            reason=str(card.get("reason", "")),
            steps=int(_number(card.get("steps")) or (log[-1].get("step", 0) if log else 0)),
            images_per_step=_least(config.get("batch_size"), stated.get("images")),
            seconds=_number(card.get("seconds")) or (log[-1].get("seconds", 0.0) if log else 0.0),
            device=str(card.get("device", "")),
            log=log,
            views=views if views.is_file() else None,
        )


def _found_pretrainings(root: Path) -> Iterator[PretrainingFacts]:
    for card in sorted((root / "pretrain").rglob("run.json")):
        key = card.parent.relative_to(root / "pretrain").as_posix()
        strategy, _, rest = key.rpartition("-seed")
        seed = rest.split("-")[0]
        yield PretrainingFacts(
            strategy=strategy or key, seed=int(seed) if seed.isdecimal() else 0, key=key
        )


def _log(path: Path) -> Iterator[dict[str, float]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        if isinstance(found, dict) and _number(found.get("step")) is not None:
            yield {
                str(name): number
                for name, value in found.items()
                if (number := _number(value)) is not None
            }


def _jobs(root: Path, results: Results) -> Iterator[Job]:
    folder = root / "jobs"
    keys = results.jobs or tuple(
        path.parent.relative_to(folder).as_posix() for path in sorted(folder.rglob("result.json"))
    )
    for key in keys:
        facts = _json(folder / key / "result.json") if _is_inside(key) else {}
        if not facts:
            continue
        parameters, picture = _number(facts.get("parameters")), folder / key / "worst.png"
        yield Job(
            key=key,
            task=str(facts.get("task", "")),
            arm=str(facts.get("arm", "")),
            rung=str(facts.get("rung", "")),
            budget=str(facts.get("budget", "")),
            draw=int(_number(facts.get("draw")) or 0),
            seed=int(_number(facts.get("seed")) or 0),
            parameters=None if parameters is None else int(parameters),
            worst=picture if picture.is_file() else None,
        )


def _is_inside(key: str) -> bool:
    """Whether a key names a folder below, and not one elsewhere on the disk."""
    path = PurePosixPath(key)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _mapping(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _least(*values: Any) -> int:
    numbers = [number for value in values if (number := _number(value)) is not None]
    return int(min(numbers)) if numbers else 0
