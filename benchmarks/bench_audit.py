"""Does the audit find planted faults, does it leave clean strategies alone, and does it predict?

Part 1: over many seeds, tiny virtual cohorts with one planted fault each (an erasing crop, a hue
jitter where colour is the label, a site coded in colour, mask units larger than the lesions) and
clean ones are audited. Sensitivity is the share of planted faults whose light is red; the
false-alarm rate is the share of clean cohorts with any red light. Wilson intervals.

Part 2: folders of finished studies: the alignment score of each strategy on its store beside the
gain that the study measured over the from-scratch twin, and their rank correlation, beside that of
the paradigm alone (each strategy gets the mean gain of its paradigm in the other data sets).

    python benchmarks/bench_audit.py --seeds 50
    python benchmarks/bench_audit.py --seeds 0 --cell STORE STRATEGY.yaml LABEL GAIN ...
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import multiprocessing
import platform
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from anlage import audit, plugins
from anlage.alignment.planted import FAULTS, control_of, flagged
from anlage.config import read_yaml
from anlage.train.runs import environment

HERE = Path(__file__).parent
PAGE = HERE / "audit.md"
FOUND = HERE / "audit.json"
WORDS = {
    "none": "nothing (false alarms)",
    "erasing_crop": "crops of 10 to 30 % of the area",
    "colour_jitter": "hue turned by up to 170 degrees, label is a colour",
    "coded_site": "site coded in the tint of images",
    "coarse_mask": "60 % hidden in units larger than the lesions",
}


def main() -> None:
    """Measure and write the page."""
    wanted = arguments()
    torch.set_num_threads(1)
    known = json.loads(FOUND.read_text()) if FOUND.is_file() else {}
    if wanted.seeds:
        planted(wanted.seeds, wanted.jobs, known)
    if wanted.cell:
        known["cells"] = [cell(*given) for given in wanted.cell]
    write(known)


def write(known: dict) -> None:
    """Write what is known, as numbers and as a page."""
    known["commit"] = environment()["commit"]
    known["machine"] = platform.processor() or platform.machine()
    known["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    FOUND.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(known), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--cell",
        nargs=4,
        action="append",
        metavar=("STORE", "RECIPE", "LABEL", "GAIN"),
        help="a store, a pretraining recipe, its label (or -), the measured gain in points",
    )
    return parser.parse_args()


def planted(seeds: int, jobs: int, known: dict) -> None:
    """Count flags over seeds; what is known so far is always on the page."""
    flags: dict[str, int] = defaultdict(int)
    spent = 0.0
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for done, (found, seconds) in enumerate(pool.imap_unordered(one_seed, range(seeds)), 1):
            spent += seconds
            for fault, is_flagged in found.items():
                flags[fault] += is_flagged
            per_audit = round(spent / done / len(FAULTS), 2)
            known["planted"] = {"seeds": done, "flags": dict(flags), "seconds": per_audit}
            write(known)
            print(done, dict(flags), flush=True)


def one_seed(seed: int) -> tuple[dict[str, bool], float]:
    """Audit one cohort per fault; return what was flagged, and seconds of the processor."""
    torch.set_num_threads(1)
    started = time.process_time()
    found = {f: flagged(control_of(f, seed=seed).audit(seed=seed), f) for f in FAULTS}
    return found, time.process_time() - started


def cell(store: str, recipe: str, label: str, gain: str) -> dict[str, object]:
    """Audit one strategy on one store, beside a measured gain."""
    method = read_yaml(Path(recipe))["method"]
    found = audit(store, recipe=Path(recipe), label=None if label == "-" else label)
    return {
        "store": Path(store).name,
        "method": method,
        "paradigm": plugins.family("methods", method),
        "score": found.score.value,
        "low": found.score.low,
        "high": found.score.high,
        "gain": float(gain),
    }


def page(known: dict) -> str:
    """Write the tables."""
    lines = [
        "# The audit, audited",
        "",
        "Made by `python benchmarks/bench_audit.py`; what is measured is written at its top.",
        f"Commit `{known['commit']}`, {known['machine']}, {known['date']}.",
        "",
    ]
    if "planted" in known:
        seeds, flags = known["planted"]["seeds"], known["planted"]["flags"]
        lines += [
            "## Planted faults",
            "",
            f"{seeds} seeds, 80 images of 40 patients each, "
            f"{known['planted']['seconds']:g} s of one core per audit. The faults are gross, the "
            "limits were set after a look at seeds 0 to 2, and the audits are the quick kind: this "
            "shows that the audit works, not how it fares with mild faults.",
            "",
            "| planted | flagged red | share [95 %, Wilson] |",
            "|---|---|---|",
        ]
        for fault in FAULTS:
            low, high = wilson(flags.get(fault, 0), seeds)
            share = flags.get(fault, 0) / seeds
            lines.append(
                f"| {WORDS[fault]} | {flags.get(fault, 0)} of {seeds} "
                f"| {share:.2f} [{low:.2f}, {high:.2f}] |"
            )
        lines.append("")
    if "cells" in known:
        lines += cells_table(known["cells"])
    else:
        lines += ["## Does the score predict the gain?", "", "Not yet measured.", ""]
    return "\n".join(lines)


def cells_table(cells: list[dict]) -> list[str]:
    """Write score against gain, and the rank correlations."""
    lines = [
        "## Does the score predict the gain?",
        "",
        "| store | strategy | alignment score | gain over from scratch, points |",
        "|---|---|---|---|",
    ]
    for one in cells:
        score = "not measured" if one["score"] is None else f"{one['score']:.2f}"
        span = "" if one["low"] is None else f" [{one['low']:.2f}, {one['high']:.2f}]"
        lines.append(f"| {one['store']} | {one['method']} | {score}{span} | {one['gain']:+.1f} |")
    known = [one for one in cells if one["score"] is not None]
    gains = np.array([one["gain"] for one in known])
    for name, values in (
        ("alignment score", np.array([one["score"] for one in known])),
        ("paradigm alone", np.array([others(one, known) for one in known])),
    ):
        lines += ["", f"Rank correlation of the gain with the {name}: {correlation(values, gains)}"]
    return [*lines, ""]


def others(one: dict, cells: list[dict]) -> float:
    """Return the mean gain of the same paradigm on other stores; the mean of all without any."""
    alike = [
        c["gain"] for c in cells if c["paradigm"] == one["paradigm"] and c["store"] != one["store"]
    ]
    return float(np.mean(alike or [c["gain"] for c in cells]))


def correlation(values: np.ndarray, gains: np.ndarray) -> str:
    """Return Spearman's correlation with a bootstrap interval over cells."""
    if len(gains) < 4:
        return f"not given for {len(gains)} cells."
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        rows = rng.integers(0, len(gains), len(gains))
        if len(np.unique(values[rows])) > 1 and len(np.unique(gains[rows])) > 1:
            drawn.append(spearmanr(values[rows], gains[rows]).statistic)
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (math.nan, math.nan)
    return f"{spearmanr(values, gains).statistic:.2f} [{low:.2f}, {high:.2f}], {len(gains)} cells."


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's interval of a share (JASA 22:209, 1927)."""
    share, extra = hits / count, z * z / count
    middle = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * math.sqrt(share * (1 - share) / count + extra / count / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


if __name__ == "__main__":
    main()
