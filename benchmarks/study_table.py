"""Print a finished study as a section for results.md, from nothing but its results.json.

python benchmarks/study_table.py STUDY --title "..." --command "anlage study ..."
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def section(study: Path, title: str, command: str, rungs: list[str]) -> str:
    found = json.loads((study / "results.json").read_text())
    run, data, config = found["run"], found["data"], found["config"]
    lines = [
        f"## {title}",
        "",
        *[f"- {sentence}" for sentence in found["verdict"]],
        "",
        f"`{command}`",
        "",
        f"{data['modality']}, {data['dims']}D; train {data['parts']['train']}, val "
        f"{data['parts']['val']}, test {data['parts']['test']} images; store "
        f"`{data['fingerprint'][:12]}`. Anlage {run['anlage']}; runs of commit "
        f"{', '.join(f'`{commit[:12]}`' for commit in run['commits'])}, {run['threads']} "
        f"thread(s), {run['device']}; "
        f"{config['pretrain_seeds']} pretraining seeds, {config['draws']} draws of labels, "
        f"seed {config['seed']}; {_hours(study, found):.2f} hours of training.",
        "",
    ]
    for task, headline in found["headlines"].items():
        lines += [*_table(found, task, headline, rungs), ""]
    lines += [f"- {note}" for note in found["notes"]]
    return "\n".join(lines).rstrip() + "\n"


def _table(found: dict[str, Any], task: str, headline: str, rungs: list[str]) -> list[str]:
    judged = {
        (c["rung"], c["budget"], c["arm"]): c
        for c in found["comparisons"]
        if c["task"] == task and _is_like_for_like(c)
    }
    lines = [
        f"{task}: {headline} with its 95 % interval, and the difference to the twin without "
        "pretraining in points (hundredths).",
        "",
        "| labels | adaptation | arm | runs | "
        + f"{headline} | difference | p (Holm) |\n|---|---|---|---|---|---|---|",
    ]
    cells = [c for c in found["cells"] if c["task"] == task and c["rung"] in rungs]
    budgets = found["budgets"]
    for cell in sorted(cells, key=lambda c: (budgets.index(c["budget"]), c["rung"], c["arm"])):
        value = cell["metrics"][headline]
        other = judged.get((cell["rung"], cell["budget"], cell["arm"]))
        lines.append(
            f"| {cell['budget']} | {cell['rung']} | {cell['arm']} | {cell['runs']} | "
            f"{_interval(value, 1, 3)} | {_difference(other)} |"
        )
    kept = [c for c in found["comparisons"] if c["task"] == task and not _is_like_for_like(c)]
    if kept:
        lines += ["", "Kept as it is, against the whole network trained from scratch:", ""]
        lines += ["| labels | adaptation | arm | difference | p (Holm) |", "|---|---|---|---|---|"]
        lines += [
            f"| {c['budget']} | {c['rung']} | {c['arm']} | {_difference(c)} |"
            for c in sorted(kept, key=lambda c: (budgets.index(c["budget"]), c["rung"], c["arm"]))
        ]
    return lines


def _is_like_for_like(found: dict[str, Any]) -> bool:
    return bool(found.get("twin_rung", found["rung"]) == found["rung"])


def _difference(found: dict[str, Any] | None) -> str:
    if found is None or found["delta"] is None:
        return " | "
    named = {"value": found["delta"], "low": found["low"], "high": found["high"]}
    return f"{_interval(named, 100, 1, sign='+')} to {found['twin']} | {_p(found['p_adjusted'])}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _interval(found: dict[str, Any], scale: float, places: int, sign: str = "") -> str:
    if found["value"] is None:
        return "undefined"
    value, low, high = (scale * found[name] for name in ("value", "low", "high"))
    return f"{value:{sign}.{places}f} [{low:.{places}f}, {high:.{places}f}]"


def _hours(study: Path, found: dict[str, Any]) -> float:
    seconds = sum(cell["seconds"] * (cell["runs"] - cell["failed"]) for cell in found["cells"])
    for job in found["pretrainings"]:
        card = study / "pretrain" / job["key"] / "run.json"
        seconds += json.loads(card.read_text()).get("seconds", 0.0)
    return float(seconds) / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--title", required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--rungs", default="prior,knn,linear,frozen,finetune")
    args = parser.parse_args()
    print(section(args.study, args.title, args.command, args.rungs.split(",")))


if __name__ == "__main__":
    main()
