"""Does the audit find planted faults, and does it leave clean strategies alone?

Over many seeds, tiny virtual cohorts with one planted fault each (an erasing crop, a hue
jitter where colour is the label, a site coded in colour, mask units larger than the lesions) and
clean ones are audited. Sensitivity is the share of planted faults whose light is red; the
false-alarm rate is the share of clean cohorts with any red light. Wilson intervals.

Writes its own section of the page; bench_alignment.py writes the one on what the score predicts.

    python benchmarks/bench_audit.py --seeds 50
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import multiprocessing
import platform
import re
import time
from collections import defaultdict
from pathlib import Path

import torch

from anlage.alignment.planted import FAULTS, control_of, flagged
from anlage.train.runs import environment

HERE = Path(__file__).parent
PAGE = HERE / "audit.md"
FOUND = HERE / "audit.json"
HEAD = """# The audit, audited

Each section names the command that wrote it, and the state of the source that it ran.

"""
TITLE = "Planted faults"
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
    planted(wanted.seeds, wanted.jobs, known)


def write(known: dict) -> None:
    """Write what is known, as numbers and as a section of the page."""
    known["commit"] = environment()["commit"]
    known["machine"] = platform.processor() or platform.machine()
    known["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    FOUND.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    PAGE.write_text(page(known, old), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
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


def page(known: dict, old: str = "") -> str:
    """Return the page with its section on planted faults; other sections stay as they are."""
    return with_section(old, TITLE, planted_section(known))


def with_section(page: str, title: str, body: str) -> str:
    """Return a page with one section written anew, or added at the end.

    Args:
        page: All of it; empty for a new one.
        title: Of the section, a heading of the second level.
        body: What stands below the heading, without headings of the first two levels.
    """
    parts = re.split(r"^(?=## )", page or HEAD, flags=re.MULTILINE)
    written = f"## {title}\n\n{body.strip()}\n\n"
    places = [n for n, part in enumerate(parts) if part.split("\n", 1)[0] == f"## {title}"]
    if places:
        parts[places[0]] = written
    else:
        parts[-1] = parts[-1].rstrip() + "\n\n"
        parts.append(written)
    return "".join(parts).rstrip() + "\n"


def planted_section(known: dict) -> str:
    """Write the table of planted faults."""
    made = (
        "`python benchmarks/bench_audit.py`, "
        f"commit `{known['commit']}`, {known['machine']}, {known['date']}."
    )
    if "planted" not in known:
        return f"{made} Not yet measured."
    seeds, flags = known["planted"]["seeds"], known["planted"]["flags"]
    lines = [
        made,
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
        hits = flags.get(fault, 0)
        low, high = wilson(hits, seeds)
        lines.append(
            f"| {WORDS[fault]} | {hits} of {seeds} | {hits / seeds:.2f} [{low:.2f}, {high:.2f}] |"
        )
    return "\n".join(lines)


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's interval of a share (JASA 22:209, 1927)."""
    share, extra = hits / count, z * z / count
    middle = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * math.sqrt(share * (1 - share) / count + extra / count / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


if __name__ == "__main__":
    main()
