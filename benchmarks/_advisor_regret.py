"""The regret of the advisor's choices among the measured arms of finished studies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anlage import plugins
from anlage.advisor import Profile, advise
from anlage.evidence import Base, Row
from anlage.evidence.learn import study_rows
from anlage.evidence.records import read_row

REPLICATES = 5000


def regret_section(base: Base, folders: Sequence[Path]) -> str:
    """Compare choices among the measured arms of finished studies."""
    studies = {folder.name: json.loads((folder / "results.json").read_text()) for folder in folders}
    lines = ["## 3. Regret on measured studies", ""]
    if not studies:
        return "\n".join([*lines, "No study was given."])
    lines += [
        "Points of the headline metric after fine-tuning; *choice* is the advisor's. Most studies "
        "measured one pretraining, the one that was expected to suit; so 'always the pretraining "
        "that was measured' already knows what the advisor has to find out, and the advisor can "
        "lose only by staying out.",
        "",
        "| study | labels | measured arms | choice | regret |",
        "|---|---|---|---|---|",
    ]
    regrets: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, values in studies.items():
        evidence = Base((*base.rows, *own_rows(studies, name)), base.rules)
        for task, budget, arms in measured(values):
            picks = choices(evidence, values, task, budget, arms)
            best = max(arms.values())
            for who, arm in picks.items():
                value = np.mean(list(arms.values())) if arm is None else arms[arm]
                regrets[who][name].append(100 * float(best - value))
            shown = ", ".join(f"{arm} {100 * value:.1f}" for arm, value in arms.items())
            lines.append(
                f"| {name} | {budget} | {shown} | {picks['**the advisor**']} | "
                f"{100 * (best - arms[picks['**the advisor**']]):.1f} |"
            )
    lines += ["", "| chooses | mean regret, every study counting once |", "|---|---|"]
    lines += [
        f"| {who} | {told([float(np.mean(one)) for one in found.values()], '.1')} |"
        for who, found in regrets.items()
    ]
    return "\n".join(lines)


def own_rows(studies: dict[str, Any], left_out: str) -> list[Row]:
    """Return the results of the other studies on other images, as the user's own."""
    print_of = {name: values["data"]["fingerprint"] for name, values in studies.items()}
    found = [
        row
        for name, values in studies.items()
        if print_of[name] != print_of[left_out]
        for row in study_rows(values)
    ]
    return [read_row({**row, "row": f"L{n:03d}"}, where="study") for n, row in enumerate(found, 1)]


def measured(values: dict[str, Any]) -> Iterable[tuple[str, str, dict[str, float]]]:
    """Yield task, budget and the fine-tuned value of every arm that the advisor could name."""
    methods = {one.get("name") or one["method"] for one in values["config"]["strategies"]}
    cells: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for cell in values["cells"]:
        value = cell["metrics"].get(values["headlines"][cell["task"]], {}).get("value")
        is_arm = cell["arm"] in methods | {"scratch", "imagenet"}
        if cell["rung"] == "finetune" and is_arm and value is not None:
            cells[cell["task"], cell["budget"]][cell["arm"]] = value
    for (task, budget), arms in cells.items():
        if len(arms) > 1 and "scratch" in arms:
            yield task, budget, arms


def choices(
    evidence: Base, values: dict[str, Any], task: str, budget: str, arms: dict[str, float]
) -> dict[str, str | None]:
    """Return whose choice is which arm; None for one at random."""
    labelled = next(
        cell["train_patients"]
        for cell in values["cells"]
        if (cell["task"], cell["budget"], cell["arm"]) == (task, budget, "scratch")
    )
    profile = Profile(
        modality=values["data"]["modality"],
        dims=values["data"]["dims"],
        task=values["tasks"][task]["task"],
        labelled=round(labelled),
        unlabelled=values["data"]["patients"]["train"],
        weights=("imagenet",) if "imagenet" in arms else (),
    )
    named = {
        one.get("name") or one["method"]: one["method"] for one in values["config"]["strategies"]
    }
    order = [one.strategy for one in advise(profile, base=evidence).ranked]
    ranked = [one.method or {"none": "scratch"}.get(one.kind, one.kind) for one in order]
    arm_of = {method: title for title, method in named.items()}
    advised = next(arm_of.get(name, name) for name in ranked if arm_of.get(name, name) in arms)

    def of(paradigm: str) -> str:
        known = [
            t for t, m in named.items() if t in arms and plugins.family("methods", m) == paradigm
        ]
        return known[0] if known else "scratch"

    return {
        "**the advisor**": advised,
        "(b) generative where measured, else scratch": of("generative"),
        "(c) contrastive where measured, else scratch": of("contrastive"),
        "always the pretraining that was measured": next(t for t in named if t in arms),
        "never pretraining": "scratch",
        "at random": None,
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean."""
    data = np.array(values)
    draws = np.random.default_rng(0).integers(0, len(data), (REPLICATES, len(data)))
    low, high = np.quantile(data[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def told(values: Sequence[float], kind: str = ".2") -> str:
    """Return a mean with its bootstrap interval; ``%`` in percent, ``+`` with its sign."""
    if not values:
        return "-"
    mean, (low, high) = float(np.mean(values)), interval(values)
    if kind == "%":
        return f"{100 * mean:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    form = "+.2f" if kind == "+" else f"{kind}f"
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]"
