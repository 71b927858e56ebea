"""The advisor on finished studies: regret of its choices, and what its intervals hold."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from anlage import plugins
from anlage.advisor import Advice, Profile, advise
from anlage.advisor.answer import Recommendation
from anlage.advisor.forecast import LEVEL
from anlage.advisor.mixed import student_quantile
from anlage.evidence import Base, Row
from anlage.evidence.learn import study_rows
from anlage.evidence.records import read_row

REPLICATES = 5000
ADVISOR = "**the advisor**"
PRICES = (0.0, 0.5, 2.0)
FORMER = "former rule: the gain that is exceeded in 6 of 10 cases"
Arms = dict[str, float]
Worth = Callable[[Recommendation], float]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task of one study at one label budget.

    Attributes:
        data: Fingerprint of the store: studies of the same one count as one.
        arms: Headline metric after fine-tuning of every arm that the advisor could name.
        methods: Method of each strategy by its title.
        advice: Without anything that was learnt on this data set.
    """

    study: str
    data: str
    task: str
    budget: str
    arms: Arms
    methods: dict[str, str]
    advice: Advice


def cases(base: Base, folders: Sequence[Path]) -> list[Case]:
    """Ask the advisor about every task and budget of finished studies."""
    studies = {folder.name: json.loads((folder / "results.json").read_text()) for folder in folders}
    found = []
    for name, values in studies.items():
        evidence = Base((*base.rows, *own_rows(studies, name)), base.rules)
        for task, budget, arms in measured(values):
            found.append(
                Case(
                    study=name,
                    data=values["data"]["fingerprint"],
                    task=task,
                    budget=budget,
                    arms=arms,
                    methods=named(values),
                    advice=advise(profile_of(values, task, budget, arms), base=evidence),
                )
            )
    return found


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


def named(values: dict[str, Any]) -> dict[str, str]:
    """Return the method of each strategy by its title."""
    return {
        one.get("name") or one["method"]: one["method"] for one in values["config"]["strategies"]
    }


def measured(values: dict[str, Any]) -> Iterator[tuple[str, str, Arms]]:
    """Yield task, budget and the fine-tuned value of every arm that the advisor could name.

    All arms were fine-tuned, so a probe never meets a network that was.
    """
    cells: dict[tuple[str, str], Arms] = defaultdict(dict)
    for cell in values["cells"]:
        value = cell["metrics"].get(values["headlines"][cell["task"]], {}).get("value")
        is_arm = cell["arm"] in named(values).keys() | {"scratch", "imagenet"}
        if cell["rung"] == "finetune" and is_arm and value is not None and not cell["failed"]:
            cells[cell["task"], cell["budget"]][cell["arm"]] = value
    for (task, budget), arms in cells.items():
        if "scratch" in arms and any(name in arms for name in named(values)):
            yield task, budget, arms


def profile_of(values: dict[str, Any], task: str, budget: str, arms: Arms) -> Profile:
    """Return what is known of a case beforehand."""
    labelled = next(
        cell["train_patients"]
        for cell in values["cells"]
        if (cell["task"], cell["budget"], cell["arm"]) == (task, budget, "scratch")
    )
    return Profile(
        modality=values["data"]["modality"],
        dims=values["data"]["dims"],
        task=values["tasks"][task]["task"],
        labelled=round(labelled),
        unlabelled=values["data"]["patients"]["train"],
        weights=("imagenet",) if "imagenet" in arms else (),
    )


def regret_section(found: Sequence[Case]) -> str:
    """Compare choices among the measured arms of finished studies."""
    lines = ["## 3. Regret on measured studies", ""]
    if not found:
        return "\n".join([*lines, "No study was given."])
    lines += [
        "Points of the headline metric after fine-tuning. *Choice* is the advisor's: of everything "
        "that was measured, what it ranks first; its expected gain for the best ranked pretraining "
        "that was measured is beside it, with the chance that it is a gain. Studies of the same "
        "data set count once. Where one pretraining was measured it was the one that was expected "
        "to suit; then whoever always pretrains already knows what the advisor has to find out, "
        "and the advisor can lose only by staying out.",
        "",
        "| study | task | labels | measured arms | expected | chance | choice | regret |",
        "|---|---|---|---|---|---|---|---|",
    ]
    regrets: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in found:
        picks = choices(case)
        best = max(case.arms.values())
        for who, titles in picks.items():
            value = np.mean([case.arms[title] for title in titles])
            regrets[who][case.data].append(100 * float(best - value))
        shown = ", ".join(f"{arm} {100 * value:.1f}" for arm, value in case.arms.items())
        first = next(
            one
            for one in case.advice.ranked
            if titles_of(case, one) not in ([], ["scratch"], ["imagenet"])
        )
        lines.append(
            f"| {case.study} | {case.task} | {case.budget} | {shown} | "
            f"{first.over_scratch.mean:+.1f} | {100 * first.chance:.0f} % | "
            f"{', '.join(picks[ADVISOR])} | {regrets[ADVISOR][case.data][-1]:.1f} |"
        )
    lines += [
        "",
        f"| chooses | mean regret, every data set ({len(regrets[ADVISOR])}) counting once |",
    ]
    lines += ["|---|---|"]
    lines += [
        f"| {who} | {told([float(np.mean(one)) for one in values.values()], '.1')} |"
        for who, values in regrets.items()
    ]
    return "\n".join(lines)


def choices(case: Case) -> dict[str, list[str]]:
    """Return who chooses which arms; of several one is taken at random."""
    pretrained = [title for title in case.methods if title in case.arms]

    def of(paradigm: str) -> list[str]:
        known = [
            title
            for title in pretrained
            if plugins.family("methods", case.methods[title]) == paradigm
        ]
        return known or ["scratch"]

    return {
        ADVISOR: chosen(case, lambda one: one.counted),
        **{
            f"the same, if a pretraining must gain {price:g} points": chosen(
                case, lambda one, price=price: one.over_scratch.mean - price * (one.price > 0)
            )
            for price in PRICES
        },
        FORMER: chosen(case, cautious),
        "generative where measured, else scratch": of("generative"),
        "contrastive where measured, else scratch": of("contrastive"),
        "always a pretraining that was measured": pretrained,
        "never pretraining": ["scratch"],
        "at random": list(case.arms),
    }


def chosen(case: Case, worth: Worth) -> list[str]:
    """Return the measured arms of the strategy that is worth most; equals keep their order."""
    ranked = sorted(case.advice.ranked, key=lambda one: -round(worth(one), 9))
    return next(titles for one in ranked if (titles := titles_of(case, one)))


def titles_of(case: Case, found: Recommendation) -> list[str]:
    """Return the measured arms that are a strategy: several where they share a method."""
    plan = found.strategy
    if plan.kind in {"none", "imagenet"}:
        title = "scratch" if plan.kind == "none" else "imagenet"
        return [title] if title in case.arms else []
    return [title for title, m in case.methods.items() if m == plan.method and title in case.arms]


def cautious(found: Recommendation) -> float:
    """Return the gain that is exceeded in 6 of 10 cases, from mean and interval."""
    gain = found.over_scratch
    deviation = (gain.high - gain.low) / (2 * student_quantile(0.5 + LEVEL / 2, 31))
    return gain.mean + student_quantile(0.4, 31) * deviation


def measured_gains(found: Sequence[Case]) -> list[tuple[str, float, Recommendation]]:
    """Return data set, measured gain over scratch and recommendation of every strategy."""
    return [
        (case.data, 100 * (case.arms[title] - case.arms["scratch"]), one)
        for case in found
        for one in case.advice.ranked
        for title in titles_of(case, one)
        if title in case.methods
    ]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean, expanded for few values (Hesterberg 2015)."""
    data = np.array(values)
    if len(data) < 2:
        return float(data.min()), float(data.max())
    draws = np.random.default_rng(0).integers(0, len(data), (REPLICATES, len(data)))
    wide = np.sqrt(len(data) / (len(data) - 1)) * student.ppf(0.025, len(data) - 1)
    tail = float(norm.cdf(wide))
    low, high = np.quantile(data[draws].mean(axis=1), [tail, 1 - tail])
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
