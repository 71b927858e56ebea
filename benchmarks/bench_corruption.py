"""Do corruptions that know the anatomy keep small lesions, and does contrast lose them?

Reads what finished studies predicted for every test case, measures the lesions in the label maps
of the test images, and compares masks, views and paradigms by lesion size. Writes a page and a
picture beside it. Sizes are in mm where edges of bins are given, else shares of the picture's edge.

    python benchmarks/bench_corruption.py STORE=STUDY[:2,4,8,16] ... --out benchmarks/corruption.md
"""

from __future__ import annotations

import argparse
import datetime
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from _corruption_cases import Place, Source, places
from _corruption_page import judged, page
from _corruption_picture import draw
from anlage.train.runs import environment

COHORT = (
    "anlage cohort lesions-cohort --modality ultrasound --patients 2400 --size 64 --lesion-mm 2,16 "
    "--lesions 1 --kinds solid --lesion-share 0.7 --seed 7",
    "anlage prepare lesions-cohort --out lesions --modality ultrasound --label lesion "
    "--label lesion_mm --patient patient --site site",
)


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", metavar="STORE=STUDY[:EDGES]", type=source)
    parser.add_argument("--out", type=Path, help="page to write; default: the screen")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    found: list[Place] = []
    facts: list[dict[str, Any]] = []
    for one in wanted.sources:
        own, results = places(one)
        if any(one.store == other.store for other in wanted.sources[: len(facts)]):
            own = [replace(place, task=f"{place.task} ({one.study.name})") for place in own]
        found += own
        facts.append(results)
    claims = judged(found)
    path = wanted.out or Path("corruption.md")
    picture = path.with_suffix(".svg")
    text = page(found, claims, made=made(wanted.sources, facts), picture=picture.name)
    if wanted.out is None:
        print(text)
        return
    draw(found, picture)
    path.write_text(text, encoding="utf-8")


def source(text: str) -> Source:
    """Read a store, a study that was made on it, and edges of bins in mm."""
    store, sign, rest = text.partition("=")
    study, _, told = rest.partition(":")
    if not (store and sign and study):
        raise argparse.ArgumentTypeError(f"STORE=STUDY must name two folders, got {text!r}")
    try:
        edges = tuple(float(edge) for edge in told.split(",")) if told else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"edges must be numbers, got {told!r}") from None
    if edges and (len(edges) < 3 or any(a >= b for a, b in itertools.pairwise(edges))):
        raise argparse.ArgumentTypeError(f"edges must rise, three or more, got {told!r}")
    return Source(store=Path(store), study=Path(study), edges_mm=edges)


def made(sources: Sequence[Source], facts: Sequence[dict[str, Any]]) -> list[str]:
    """Say from which code, commands, seeds and devices the numbers are."""
    given = " ".join(
        f"{one.store.name}={one.study.name}"
        + (":" + ",".join(f"{edge:g}" for edge in one.edges_mm) if one.edges_mm else "")
        for one in sources
    )
    lines = [
        f"`python benchmarks/bench_corruption.py {given}`, commit "
        f"`{environment()['commit']}`, {datetime.datetime.now(datetime.UTC).date().isoformat()}.",
        "",
        "| study | store | commit | device | seed | pretraining seeds | draws |",
        "|---|---|---|---|---|---|---|",
    ]
    for one, results in zip(sources, facts, strict=True):
        config, run = results["config"], results["run"]
        first, count = config["pretrain"]["seed"], config["pretrain_seeds"]
        commits = ", ".join(f"`{commit}`" for commit in run["commits"])
        lines.append(
            f"| {one.study.name} | {one.store.name} (`{results['data']['fingerprint']}`) "
            f"| {commits} | {run['device']}, {run['threads']} thread(s) | {config['seed']} "
            f"| {first} to {first + count - 1} | {config['draws']} |"
        )
    studies = [
        f"anlage study {one.store.name} --recipe benchmarks/recipes/{one.study.name}.yaml --out "
        f"{one.study.name}"
        for one in sources
    ]
    failed = sum(len(results["failures"]) for results in facts)
    end = [] if not failed else ["", f"**{failed} runs failed**; their comparisons are not judged."]
    return [*lines, "", "```", *COHORT, *studies, "```", *end]


if __name__ == "__main__":
    main()
