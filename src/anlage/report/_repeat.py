"""How to repeat a study, and what to write about it: facts, text for a paper, references."""

from __future__ import annotations

from typing import Any

import yaml

from anlage.report._lookup import Lookup
from anlage.report._read import Study
from anlage.report.judgement import ALPHA, FEWEST_RUNS
from anlage.report.words import (
    NONE,
    arm_name,
    count,
    joined,
    metric_words,
    rung_name,
    several,
)

__all__ = ["REFERENCES", "command", "facts", "methods_text", "settings_text"]

REFERENCES = (
    "Maier-Hein L, Reinke A, et al. Metrics reloaded: recommendations for image analysis "
    "validation. Nature Methods 21:195-212, 2024. doi:10.1038/s41592-023-02151-z. (Choice of "
    "metrics, and what counts in edge cases.)",
    "Christodoulou E, et al. Confidence intervals uncovered: are we ready for real-world medical "
    "imaging AI? MICCAI 2024. arXiv:2409.17763. (Why every number has an interval.)",
    "Wiesenfarth M, et al. Methods and open-source toolkit for analyzing and visualizing challenge "
    "results. Scientific Reports 11:2369, 2021. doi:10.1038/s41598-021-82017-6. (Bootstrap over "
    "cases for comparisons.)",
    "Davison AC, Hinkley DV. Bootstrap Methods and their Application. Cambridge University Press, "
    "1997. (Resampling of clusters and strata.)",
    "Holm S. A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6:65-70, 1979. (Adjusted p-values.)",
    "Garrido Q, Balestriero R, Najman L, LeCun Y. RankMe: assessing the downstream performance of "
    "pretrained self-supervised representations by their rank. ICML 2023. arXiv:2210.02885. "
    "(Effective rank.)",
)


def command() -> str:
    """Return the command that runs the study again."""
    return "anlage study STORE --recipe study.yaml --out NEW_FOLDER"


def settings_text(study: Study) -> str:
    """Return the study's settings as YAML."""
    values = study.settings or study.results.config
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True) if values else ""


def facts(study: Study) -> tuple[tuple[str, str], ...]:
    """Return what the numbers depend on."""
    data, run = study.results.data, study.results.run
    config = study.results.config or study.settings
    patients = data.patients
    parts = [
        f"{name} {several(images, 'image')}"
        + (f" of {several(patients[name], 'patient')}" if name in patients else "")
        for name, images in data.parts.items()
    ]
    packages = ", ".join(f"{name} {version}" for name, version in run.packages.items())
    seeds = (
        f"{config.get('pretrain_seeds', NONE)} of pretraining, from "
        f"{_nested(config, 'pretrain').get('seed', 0)}; {_counted(config, 'draws')} of "
        f"labels per budget; bootstrap {config.get('seed', NONE)}"
    )
    rows = (
        ("Anlage", run.anlage),
        ("Commit", run.commit or "not from a checkout"),
        ("Python and packages", f"{run.python}; {packages}" if packages else run.python),
        ("Machine", f"{run.device}, {run.machine}, {several(run.threads, 'thread')}"),
        ("Written", run.written),
        ("Data", f"{data.modality}, {data.dims}D, {count(data.images)} images"),
        ("Fingerprint of the store", data.fingerprint),
        ("Split", f"{config.get('split', NONE)}: {'; '.join(parts)}"),
        ("Seeds", seeds),
        ("Bootstrap replicates", str(config.get("replicates", NONE))),
    )
    return tuple((name, text) for name, text in rows if text) if run.anlage else ()


def methods_text(study: Study, lookup: Lookup) -> tuple[str, ...]:
    """Return paragraphs for the methods and results sections of a paper."""
    if not lookup.results.cells:
        return ()
    return (
        " ".join((_pretraining(study), *(_adaptation(lookup, task) for task in lookup.tasks))),
        _statistics(study, lookup),
        "Results. " + " ".join(lookup.results.verdict),
    )


def _pretraining(study: Study) -> str:
    config, data = study.results.config, study.results.data
    pretrain = _nested(config, "pretrain")
    begun = [run for run in study.pretrainings if run.steps]
    updates = sorted({run.steps for run in begun})
    batch = max((run.images_per_step for run in begun), default=0)
    length = (
        f" for {joined([f'{number:,}' for number in updates])} updates of {batch} images"
        if updates
        else ""
    )
    seeds = several(int(config.get("pretrain_seeds", 1)), "seed")
    return (
        f"Methods. A {pretrain.get('encoder', 'convolutional')} encoder was pretrained without "
        f"labels on the training part ({count(data.parts.get('train', 0))} of "
        f"{count(data.images)} {data.modality} images, {data.dims}D; split by patient) with "
        f"{joined(study.results.strategies)}{length}, {seeds} each."
    )


def _adaptation(lookup: Lookup, task: str) -> str:
    facts_of = lookup.results.tasks.get(task)
    budgets = [
        f"{budget} ({count(lookup.patients(task, budget))} patients)"
        for budget in lookup.budgets(task)
        if lookup.patients(task, budget)
    ]
    rungs = [rung_name(rung).lower() for rung in lookup.rungs(task) if rung != "prior"]
    arms = dict.fromkeys(cell.arm for cell in lookup.results.cells if cell.task == task)
    controls = [arm_name(arm) for arm in arms if arm not in lookup.strategies]
    classes = f", {len(facts_of.classes)} classes" if facts_of and facts_of.classes else ""
    tested = (
        f"{several(facts_of.test_images, 'image')} of {several(facts_of.test_patients, 'patient')}"
        if facts_of
        else "the test part"
    )
    return (
        f"For {task}{classes}, encoders were adapted by {joined(rungs)} with the labels of "
        f"{joined(budgets)}, the same for every arm, beside the controls {joined(controls)}, and "
        f"tested on {tested}; the headline metric was "
        f"{metric_words(lookup.headline(task)).label}."
    )


def _statistics(study: Study, lookup: Lookup) -> str:
    config, run = study.results.config, study.results.run
    torch = run.packages.get("torch")
    software = f"Anlage {run.anlage}" + (f" (PyTorch {torch})" if torch else "")
    return (
        f"Statistics. Intervals are 95 % intervals from {config.get('replicates', NONE)} bootstrap "
        "replicates that draw patients, stratified by class and with all their images, and runs "
        f"({_counted(config, 'draws')} of labels, {_counted(config, 'pretrain_seeds')}). Arms "
        "were compared with their twin without pretraining, and encoders that were "
        "kept as they are also with the network trained from scratch, on identical test cases; "
        f"p-values are from a permutation test and adjusted by Holm's method over all "
        f"{len(lookup.results.comparisons)} comparisons. A difference was claimed if its interval "
        f"excluded zero, the adjusted p-value was below {ALPHA}, and there were enough patients "
        f"and at least {FEWEST_RUNS} runs of both arms. "
        f"Failed runs count as the worst value. Software: {software}."
    )


def _counted(config: dict[str, Any], name: str) -> str:
    """Write a number of a study's config with its noun: "1 seed", "3 draws"."""
    number, noun = config.get(name), name.removeprefix("pretrain_").removesuffix("s")
    return several(number, noun) if isinstance(number, int) else f"{NONE} {noun}s"


def _nested(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}
