"""Does the alignment score predict what pretraining brings, better than the paradigm alone does?

Every finished study that is given is a source of cells, one per strategy and task: the gain that
the study measured over the twin without pretraining, at its smallest budget, beside an audit of the
strategy on the study's own images. Audits are kept in the study's folder (``audits/``), so that a
second run is quick. Writes one section of the page that is named by --out, and a picture beside it.

    python benchmarks/bench_alignment.py STORE=STUDY [STORE=STUDY ...] --out benchmarks/audit.md

With --seen the section is that of data that the score was chosen on.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import torch

from _alignment_cells import RUNGS, Cell, audited
from _alignment_page import SEEN, TITLE, section
from _alignment_picture import draw
from anlage.train.runs import environment
from bench_audit import with_section


def main() -> None:
    """Audit, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="+", metavar="STORE=STUDY", type=pair)
    parser.add_argument("--out", type=Path, help="page to write a section of; default: the screen")
    parser.add_argument("--seeds", type=int, default=1, help="audits of each cell, averaged")
    parser.add_argument("--seen", action="store_true", help="data that the score was chosen on")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    cells: list[Cell] = []
    left: list[str] = []
    for store, study in wanted.pairs:
        found, not_used = audited(store, study, seeds=wanted.seeds)
        cells += found
        left += not_used
    given = " ".join(f"{store.name}={study.name}" for store, study in wanted.pairs)
    seeds = f" --seeds {wanted.seeds}" if wanted.seeds != 1 else ""
    seen = " --seen" if wanted.seen else ""
    made = (
        f"`python benchmarks/bench_alignment.py {given}{seeds}{seen}`, commit "
        f"`{environment()['commit']}`, {datetime.datetime.now(datetime.UTC).date().isoformat()}."
    )
    picture = (
        None
        if wanted.out is None
        else wanted.out.with_name(f"alignment{'_seen' * wanted.seen}.svg")
    )
    name = picture.name if picture else None
    body = section(cells, left, made=made, picture=name, is_seen=wanted.seen)
    if wanted.out is None or picture is None:
        print(body)
        return
    draw(cells, picture, kinds=tuple(RUNGS))
    old = wanted.out.read_text(encoding="utf-8") if wanted.out.is_file() else ""
    wanted.out.write_text(with_section(old, SEEN if wanted.seen else TITLE, body), encoding="utf-8")


def pair(text: str) -> tuple[Path, Path]:
    """Read a store and a study that was made on it."""
    store, sign, study = text.partition("=")
    if not (store and sign and study):
        raise argparse.ArgumentTypeError(f"STORE=STUDY must name two folders, got {text!r}")
    return Path(store), Path(study)


if __name__ == "__main__":
    main()
