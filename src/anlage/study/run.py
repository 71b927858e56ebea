"""`anlage study`: run what is missing, count what is there, say what it means."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anlage.data.splits import leaks
from anlage.data.store import Store
from anlage.errors import AnlageError, ConfigError
from anlage.locks import locked
from anlage.progress import say, track
from anlage.report.judgement import LADDER, judge
from anlage.report.study_page import write_report
from anlage.report.words import several
from anlage.study._folder import refuse_other, remember
from anlage.study.audits import audit_notes, audit_strategies
from anlage.study.collect import collect
from anlage.study.config import StudyConfig, read_config
from anlage.study.hours import told_hours
from anlage.study.jobs import Workshop
from anlage.study.ledger import Ledger
from anlage.study.plan import Adaptation, StudyPlan, make_plan
from anlage.study.results import Results
from anlage.study.verdict import verdict
from anlage.train.distributed import World, join_world
from anlage.train.pretrain import run_pretraining
from anlage.train.pretrain_job import PretrainJob
from anlage.train.runs import environment, now, write_json
from anlage.train.signals import Stop, stop_on_signals
from anlage.train.start import load_start

__all__ = ["StudyOutcome", "study"]

_ROOT = Path(__file__).parents[2]  # where the package lies


@dataclass(frozen=True, kw_only=True)
class StudyOutcome:
    """How a study ended.

    Attributes:
        results: All numbers so far; None if it was stopped before the first.
        verdict: One sentence per strategy.
        exit_code: What the command should exit with.
        report: The report's path.
        next: Lines that say how to use the answer; none while there is no answer.
    """

    results: Results | None
    verdict: tuple[str, ...]
    exit_code: int
    report: Path
    next: tuple[str, ...] = ()


def study(
    store: str | Path,
    *,
    out: str | Path,
    recipe: Path | None = None,
    task: str | None = None,
    label: Sequence[str] = (),
    method: Sequence[str] = (),
    encoder: str | None = None,
    image_size: Sequence[int] | None = None,
    steps: int | None = None,
    dry_run: bool = False,
    **settings: Any,
) -> StudyOutcome:
    """Compare strategies with controls over label budgets and seeds, and report.

    Args:
        store: Folder made by ``prepare``.
        out: Study folder. The same command goes on with an unfinished study: nothing that is
            done is done again.
        recipe: YAML file with settings.
        task: Short for ``tasks`` with one task.
        label: Its label columns.
        method: Short for ``strategies``, one per method.
        encoder: Short for ``pretrain.encoder``.
        image_size: Short for ``pretrain.image_size``.
        steps: Short for ``pretrain.steps``.
        dry_run: Only say what would be run.
        settings: Settings of StudyConfig; they go before the recipe's, group by group.

    Returns:
        Results, verdict, and the report's path.

    Raises:
        ConfigError: If a setting cannot be used, or the folder holds another study.
        DataError: If the store cannot be read or the folder not written.
    """
    config = read_config(
        recipe,
        task=task,
        label=label,
        method=method,
        encoder=encoder,
        image_size=image_size,
        steps=steps,
        **settings,
    )
    root = Path(out)
    refuse_other(root)
    opened = Store.open(store)
    config, notes = _without_missing_weights(opened, config)
    notes = [*opened.meta.notes, *notes]
    plan = make_plan(opened, config)
    for note in (*notes, *plan.notes):
        say(f"  {note}")
    _check(opened, plan)
    say(_describe(config, plan))
    report = root / "report.html"
    if dry_run:
        say(told_hours(opened, plan))
        return StudyOutcome(results=None, verdict=(), exit_code=0, report=report)
    with (
        locked(root, what="anlage study"),
        join_world(config.device) as world,
        stop_on_signals() as stop,
    ):
        remember(root, config, opened)
        ledger = Ledger(root)
        if world.is_first:
            audit_strategies(opened, config, plan, ledger)
        _pretrain(opened, plan, ledger, world, stop)
        shop = Workshop(store=opened, plan=plan, ledger=ledger, world=world, stop=stop)
        if not stop:
            _adapt(shop)
        results = collect(opened, plan, ledger, config)
        sentences = _sentences(config, plan, ledger, results)
        told = {
            "verdict": list(sentences),
            "notes": [*notes, *plan.notes, *audit_notes(plan, ledger)],
        }
        commits = ledger.commits(
            (job.key for job in plan.pretrainings), (job.key for job in plan.adaptations)
        )
        facts = _facts(config, opened, plan, results, commits)
        write_json(root / "results.json", {**told, **facts})
        if results.cells:
            results.as_frame().write_csv(root / "results.csv")
    write_report(root)
    for sentence in sentences:
        say(sentence)
    if stop:
        say("Stopped. Nothing is lost: the same command goes on from here.")
    say(f"Report: {report}")
    return StudyOutcome(
        results=results,
        verdict=sentences,
        exit_code=stop.exit_code or 0,
        report=report,
        next=() if stop else _next(store, root, config, plan, results),
    )


def _sentences(
    config: StudyConfig, plan: StudyPlan, ledger: Ledger, results: Results
) -> tuple[str, ...]:
    """Return the verdict; one sentence if nothing at all was compared yet."""
    done = sum(ledger.is_done(job.key) for job in plan.adaptations)
    total = len(plan.adaptations)
    if done + len(results.failures) < total and not results.comparisons:
        return (
            f"Unfinished: {done:,} of {total:,} adaptations are done, nothing is compared yet.",
        )
    return tuple(verdict(results, [strategy.title for strategy in config.strategies]))


def _next(
    store: str | Path, root: Path, config: StudyConfig, plan: StudyPlan, results: Results
) -> tuple[str, ...]:
    """Return the command that uses the answer: a model from what helps, or from scratch, and why.

    Of several strategies that help, one that beats the network from scratch is taken, and none that
    is worse; of those one on the dearest rung. What helps as it is, is kept as it is.
    """
    firsts = {job.strategy: job for job in reversed(plan.pretrainings)}
    judged = [(c, judge(c)) for c in results.comparisons if c.arm in firsts]
    worse = {c.place for c, word in judged if word == "harms" and c.twin == "scratch"}
    helping = [c for c, word in judged if word == "helps" and c.place not in worse]
    helps = min(helping, key=lambda c: (c.twin != "scratch", LADDER.index(c.rung)), default=None)
    choice = next(c for c in config.tasks if helps is None or c.title == helps.task)
    start = str(root / "pretrain" / firsts[helps.arm].key) if helps else "scratch"
    labels = "".join(f" --label {name}" for name in choice.label)
    labels += " --set adapt.mode=frozen" if helps and helps.rung != "finetune" else ""
    command = f"anlage finetune {store} --start {start} --task {choice.task}{labels}"
    why = "Nothing was shown to beat training from scratch, so the next command does that."
    return (*(() if helps else (why,)), f"Next: {command} --out {root}-tuned")


def _check(store: Store, plan: StudyPlan) -> None:
    """Find out before anything is written whether every strategy can be pretrained."""
    firsts = {job.strategy: job for job in reversed(plan.pretrainings)}
    notes = []
    for job in firsts.values():
        built = PretrainJob(store, job.config, World())
        built.close()
        notes.append(built.mild_views(group="pretrain."))
    for note in dict.fromkeys(notes):
        if note:
            say(note)


def _without_missing_weights(store: Store, config: StudyConfig) -> tuple[StudyConfig, list[str]]:
    """Leave the ImageNet control out where this machine has no such weights, and say so."""
    if "imagenet" not in config.controls:
        return config, []
    kept = tuple(control for control in config.controls if control != "imagenet")
    without = config.model_copy(update={"controls": kept})
    if store.meta.dims == 3:
        return without, ["control imagenet left out: its weights are for pictures, not volumes"]
    try:
        load_start(
            "imagenet",
            store,
            store.split(config.split)["train"],
            encoder=config.pretrain.encoder,
            encoder_options=config.pretrain.encoder_options,
            image_size=config.pretrain.image_size,
        )
    except ConfigError as error:
        return without, [f"control imagenet left out: {error}"]
    return config, []


def _describe(config: StudyConfig, plan: StudyPlan) -> str:
    arms = len({job.arm for job in plan.adaptations})
    names = ", ".join(strategy.title for strategy in config.strategies)
    if "strategies" not in config.model_fields_set:
        names += ", as none was named"
    tests = ", ".join(f"{len(place.test)} for {title}" for title, place in plan.tasks.items())
    return (
        f"Plan: {several(len(config.strategies), 'strategy', 'strategies')} ({names}), "
        f"{several(arms, 'arm')}, {several(len(config.budgets), 'budget')}; "
        f"{several(len(plan.pretrainings), 'pretraining')}, "
        f"{several(len(plan.adaptations), 'adaptation')}; "
        f"test images: {tests}."
    )


def _pretrain(store: Store, plan: StudyPlan, ledger: Ledger, world: World, stop: Stop) -> None:
    for number, job in enumerate(plan.pretrainings, start=1):
        if stop:
            return
        say(f"[{number}/{len(plan.pretrainings)}] pretrain {job.strategy}, seed {job.seed}")
        outcome = run_pretraining(store, job.config, ledger.pretraining(job.key), world, stop)
        if outcome.status in {"collapsed", "diverged"}:
            say(f"  {job.strategy} seed {job.seed} {outcome.status}: {outcome.reason}")


def _adapt(shop: Workshop) -> None:
    waiting = [job for job in shop.plan.adaptations if not shop.ledger.is_done(job.key)]
    total = len(shop.plan.adaptations)
    with track("adapt", total, done=total - len(waiting), unit="jobs") as advance:
        for job in waiting:
            if shop.stop or not _do(shop, job):
                return
            advance(1, f"{job.task} {job.arm} {job.rung} {job.labels.budget}")


def _do(shop: Workshop, job: Adaptation) -> bool:
    """Do one job; what goes wrong is kept as a failure and the study goes on.

    Messages of other libraries may quote data, so only the kind and the place are kept. Faults
    of the system, such as a full disk, end the study.
    """
    try:
        return shop.do(job)
    except AnlageError as error:
        shop.ledger.fail(job.key, str(error))
    except OSError:
        raise
    except (RuntimeError, ValueError, MemoryError) as error:
        shop.ledger.fail(job.key, f"{type(error).__name__} in {_place(error)}")
    return True


def _place(error: BaseException) -> str:
    """Return the last file and line of this package that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT / "anlage")]
    return f"{Path(own[-1].filename).relative_to(_ROOT)}, line {own[-1].lineno}"


def _facts(
    config: StudyConfig, store: Store, plan: StudyPlan, results: Results, commits: list[str]
) -> dict[str, Any]:
    """Return everything that the report and a later reader need."""
    parts = store.split(config.split)
    owners = {part: store.patients[rows].tolist() for part, rows in parts.items()}
    pairs = [(part, patient) for part, patients in owners.items() for patient in patients]
    return {
        "tasks": {
            title: {
                "task": place.task.profile.task,
                "classes": list(place.task.classes),
                "signal": place.task.profile.signal,
                "rungs": [*place.task.rungs],
                "test_images": len(place.test),
                "test_patients": len(set(store.patients[place.test].tolist())),
            }
            for title, place in plan.tasks.items()
        },
        "data": {
            "modality": store.meta.modality,
            "dims": store.meta.dims,
            "images": len(store),
            "fingerprint": store.fingerprint,
            "parts": {part: len(rows) for part, rows in parts.items()},
            "patients": {part: len(set(patients)) for part, patients in owners.items()},
            "torn_groups": leaks(*zip(*pairs, strict=True)),
        },
        "budgets": list(config.budgets),
        "strategies": [strategy.title for strategy in config.strategies],
        "pretrainings": [
            {"strategy": job.strategy, "seed": job.seed, "key": job.key}
            for job in plan.pretrainings
        ],
        "jobs": [job.key for job in plan.adaptations],
        **results.as_dict(),
        "config": config.model_dump(mode="json"),
        "run": {**environment(), "commits": commits, "written": now()},
    }
