"""Cells of strategy and data set: what finished studies measured, and what an audit says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import anlage.alignment
from _alignment_scores import parts_of
from _alignment_shown import rehearsed, what_is_shown
from anlage import plugins
from anlage.alignment.words import as_json
from anlage.config import fingerprint, layered
from anlage.data.store import Store
from anlage.errors import DataError
from anlage.study.config import Strategy, StudyConfig, TaskChoice
from anlage.train import audit as audits
from anlage.train import audited as audited_by
from anlage.train.runs import write_json

__all__ = ["RUNGS", "Cell", "Gain", "audited", "measured"]

RUNGS = {"fine-tuned": ("finetune",), "frozen": ("linear", "frozen")}


@dataclass(frozen=True, kw_only=True)
class Gain:
    """Difference to the twin without pretraining, in points (hundredths), with its interval."""

    rung: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One strategy on one data set.

    Attributes:
        data: Fingerprint of the store: cells that share it are no independent repeats.
        group: Study and task: cells that share it are compared on the same draws of labels.
        store: Name of the store.
        task: Title of the task.
        signal: ``global`` or ``dense``.
        strategy: Its title in the study.
        paradigm: Of its method.
        budget: The smallest of the study.
        gains: By kind of adaptation.
        parts: Of the audit, by name.
    """

    data: str
    group: str
    store: str
    task: str
    signal: str
    strategy: str
    paradigm: str
    budget: str
    gains: Mapping[str, Gain]
    parts: Mapping[str, float]

    @property
    def facts(self) -> dict[str, str]:
        """What a score may ask about the strategy besides its parts."""
        return {"paradigm": self.paradigm, "signal": self.signal}


def audited(store: Path, study: Path, *, seeds: int) -> tuple[list[Cell], list[str]]:
    """Return the cells of a study, and what was left out of them and why.

    Raises:
        DataError: If the study was made on another store, or has no results.
    """
    found = _results(study)
    own = Store.open(store).fingerprint
    if found["data"]["fingerprint"] != own:
        raise DataError(
            f"an audit must look at the images of its study, but {study} was made on the store "
            f"{found['data']['fingerprint']} and {store} is {own}. Name the study's store."
        )
    config = StudyConfig.parse(found["config"], where=f"{study.name}/results.json")
    cells, left = [], []
    for choice in config.tasks:
        budget = smallest(found["cells"], choice.title)
        for strategy in config.strategies:
            gains = measured(found["comparisons"], choice.title, strategy.title, budget)
            name = f"{strategy.title} on {store.name}, {choice.title} ({study.name})"
            if not gains or len(choice.label) > 1:
                why = "several labels at once" if gains else "no complete comparison with a twin"
                left.append(f"{name}: {why}")
                continue
            signal = found["tasks"][choice.title]["signal"]
            own_words = found["config"]
            asked = _Asked(store=store, study=study, config=own_words, shots=shots_of(budget))
            parts = list(_audits(asked, strategy, choice, range(seeds), signal))
            cells.append(
                Cell(
                    data=own,
                    group=f"{study.resolve()}/{choice.title}",
                    store=store.name,
                    task=choice.title,
                    signal=signal,
                    strategy=strategy.title,
                    paradigm=plugins.family("methods", strategy.method),
                    budget=budget,
                    gains=gains,
                    parts=mean_parts(parts),
                )
            )
    return cells, left


def smallest(cells: Iterable[Mapping[str, Any]], task: str) -> str:
    """Return the budget with the fewest labelled patients."""
    counts = {one["budget"]: one["train_patients"] for one in cells if one["task"] == task}
    return min(counts, key=counts.__getitem__)


def measured(
    comparisons: Sequence[Mapping[str, Any]], task: str, arm: str, budget: str
) -> dict[str, Gain]:
    """Return the gains of an arm over its twin that are complete, by kind of adaptation.

    A kept encoder is also compared with the network from scratch: that is no gain over its twin.
    """
    own = {
        one["rung"]: one
        for one in comparisons
        if (one["task"], one["arm"], one["budget"]) == (task, arm, budget)
        and one.get("twin_rung") in {None, one["rung"]}  # not written by earlier versions
        and one["delta"] is not None
        and not one["missing"]
        and not one.get("failed")  # a crash says nothing about pretraining
    }
    gains = {}
    for kind, rungs in RUNGS.items():
        for rung in rungs:
            if rung in own and kind not in gains:
                value, low, high = (100 * own[rung][name] for name in ("delta", "low", "high"))
                gains[kind] = Gain(rung=rung, value=value, low=low, high=high)
    return gains


def mean_parts(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every part that all audits measured."""
    shared = set.intersection(*(set(one) for one in found))
    return {
        name: sum(one[name] for one in found) / len(found) for name in found[0] if name in shared
    }


def recipe_of(config: Mapping[str, Any], strategy: Strategy) -> dict[str, Any]:
    """Return what a strategy's pretrainings were told, but for their seed.

    The study's own words, not today's reading of them: a setting that was added since does not
    make another recipe of it.
    """
    own = {"method": strategy.method, "split": config.get("split", "default")}
    return {**layered(config.get("pretrain", {}), strategy.settings), **own}


def shots_of(budget: str) -> int:
    """Return the labelled patients per class of a budget such as 10-shot; of others, 10."""
    number, _, rest = budget.partition("-")
    return int(number) if rest == "shot" else 10


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the audits of a study share."""

    store: Path
    study: Path
    config: Mapping[str, Any]
    shots: int


def _audits(
    about: _Asked,
    strategy: Strategy,
    choice: TaskChoice,
    seeds: Iterable[int],
    signal: str,
) -> Iterator[dict[str, float]]:
    """Audit with each seed; what an earlier run kept in the study's folder is read again.

    A change to the audit's own code makes them anew; after one to what it stands on (policies,
    transforms) remove the folder.
    """
    store = about.store
    recipe = recipe_of(about.config, strategy)
    label = choice.label[0] if choice.label else None
    folder = about.study / "audits"
    folder.mkdir(exist_ok=True)
    told = folder / f"{fingerprint(recipe)}.yaml"
    told.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    room = Path(anlage.alignment.__file__).parent
    for seed in seeds:
        asked = {
            "store": Store.open(store).fingerprint,
            "recipe": recipe,
            "task": choice.task,
            "label": label,
            "seed": seed,
            "quick": True,
        }

        def audit(seed: int = seed) -> dict[str, Any]:
            task = choice.task
            found = audits.audit(store, recipe=told, task=task, label=label, seed=seed, quick=True)
            return as_json(found)

        def more(seed: int = seed) -> dict[str, Any]:
            reads = label if signal == "global" else None
            return what_is_shown(store, recipe, reads, seed=seed)

        def trial(seed: int = seed) -> dict[str, Any]:
            if label is None or signal != "global":
                return {}
            return rehearsed(store, recipe, label, shots=about.shots, seed=seed)

        shown = Path(__file__).with_name("_alignment_shown.py")
        code = [*sorted(room.glob("*.py")), Path(audits.__file__), Path(audited_by.__file__)]
        yield parts_of(
            kept(folder, "audit", asked, audit, code=code),
            {
                **kept(folder, "shown", asked, more, code=[shown]),
                **kept(
                    folder, "rehearsal", {**asked, "shots": about.shots}, trial, code=[*code, shown]
                ),
            },
        )


def kept(
    folder: Path,
    what: str,
    asked: Mapping[str, Any],
    measure: Callable[[], dict[str, Any]],
    *,
    code: Iterable[Path],
) -> dict[str, Any]:
    """Return what was measured before; measure it if the question or the code is another one."""
    read = hashlib.sha256(b"".join(one.read_bytes() for one in code)).hexdigest()
    path = folder / f"{what}-{fingerprint({**asked, 'code': read})}.json"
    if not path.is_file():
        write_json(path, measure())
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _results(study: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((study / "results.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{study} must be the folder of a finished study, but its results.json cannot be read "
            f"({error}). Run the study first."
        ) from None
