"""The pages about the evidence: their commands run, and their numbers are those of the base."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from anlage.cli import main
from anlage.evidence.answer import pooled_effect
from anlage.evidence.base import columns

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _fill(form: Path, base) -> None:
    row = {**base.find("E171").plain(), "row": "", "study": "local-ours", "title": "Ours"}
    with form.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns())
        writer.writeheader()
        writer.writerow(row)


def _run(words, capsys) -> str:
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code in (0, None), words
    return capsys.readouterr().out


def test_the_commands_of_the_how_to_print_what_it_shows(
    base, tmp_path, monkeypatch, capsys, own_home, results
):
    monkeypatch.chdir(tmp_path)
    Path("studies/first").mkdir(parents=True)
    Path("studies/first/results.json").write_text(json.dumps(results))
    Path("export.csv").write_text("title,source\nA study,PubMed\nAnother,PubMed\n")
    page = (DOCS / "how-to" / "use-the-evidence.md").read_text(encoding="utf-8")
    shown, output = 0, ""
    for language, text in FENCE.findall(page):
        if language == "bash":
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                if words[2] == "add":
                    _fill(Path(words[3]), base)
                output = _run(words, capsys)
        elif language == "text":
            shown += 1
            rest = output
            for line in (line.rstrip() for line in text.splitlines()):
                if line not in {"", "..."}:
                    assert line in rest, line
                    rest = rest.split(line, 1)[1]
        else:
            exec(compile(text, "how-to", "exec"), {})
    assert shown == 4


@pytest.mark.parametrize("status", ["read", "derived", "secondary", "partial", "unread"])
def test_the_reference_counts_the_rows_of_every_status(base, status):
    page = (DOCS / "reference" / "evidence.md").read_text(encoding="utf-8")
    count = sum(row.status == status for row in base.rows)
    assert re.search(rf"^\| `{status}` \|.*\| {count} \|", page, re.MULTILINE)


def test_the_reference_names_every_column(base):
    page = (DOCS / "reference" / "evidence.md").read_text(encoding="utf-8")
    assert [name for name in columns() if f"`{name}`" not in page] == []


def test_the_concept_states_the_numbers_of_the_base(base):
    page = (DOCS / "concepts" / "evidence.md").read_text(encoding="utf-8")
    found = pooled_effect(base)
    pooled, gap = found.pooled, found.own_gap
    imagenet = pooled_effect(base, baseline="imagenet").pooled
    for words in (
        f"{len(base.rows)} results of {len({row.study for row in base.rows})} studies",
        f"{sum(row.has_pair for row in base.rows)} of them have both figures",
        f"**{pooled.mean:+.1f} points [{pooled.low:+.1f}, {pooled.high:+.1f}]** from {pooled.k}",
        f"{gap.difference:.1f} points more [{gap.low:.1f}, {gap.high:.1f}]",
        f"[{imagenet.low:+.1f}, {imagenet.high:+.1f}], from {imagenet.k} studies",
        f"Only {100 * found.negative.share:.0f} % of results",
        f"({found.variance.df} degrees of freedom)",
    ):
        assert words in " ".join(page.split()), words


@pytest.mark.parametrize("correlation", [0, 0.3, 0.5, 0.8])
def test_the_concept_shows_what_the_assumed_correlation_does(base, correlation):
    page = (DOCS / "concepts" / "evidence.md").read_text(encoding="utf-8")
    found = pooled_effect(base, correlation=correlation)
    pooled, deviation = found.pooled, found.variance.variance**0.5
    assert (
        f"| {correlation} | {deviation:.1f} | {pooled.mean:+.1f} | {pooled.low:+.1f} to "
        f"{pooled.high:+.1f} | {pooled.tau2**0.5:.1f} |"
    ) in page
