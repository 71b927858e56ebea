"""Every word of the section follows from the cells, and other sections stay as they are."""

import re

import numpy as np
import pytest

import _alignment_page
from _alignment_cells import Cell, Gain
from _alignment_page import section
from _alignment_picture import draw
from _alignment_stats import Estimate
from bench_alignment import pair
from bench_audit import page, with_section

STRATEGIES = {
    "simclr": ("contrastive", 0.9),
    "small-crops": ("contrastive", 0.3),
    "vicreg": ("predictive", 0.6),
    "mae": ("generative", 0.8),
}
HEADLINE = re.compile(r"- pairs in order: the score is (.*)\.")


def cells_of(sets, *, slope, paradigm=0.0, score=None):
    """Cells whose gain is a slope times the score, and what the paradigm brings anyway."""
    rng = np.random.default_rng(0)
    brings = {"contrastive": 2, "predictive": 1, "generative": 0}
    found = []
    for number in range(sets):
        for name, (kind, level) in STRATEGIES.items():
            own = level + 0.01 * rng.normal() if score is None else score
            value = 5 * number + slope * own + paradigm * brings[kind] + 0.01 * rng.normal()
            gain = Gain(rung="finetune", value=value, low=value - 1, high=value + 1)
            found.append(
                Cell(
                    data=f"d{number}",
                    group=f"d{number}/t",
                    store=f"store{number}",
                    task="t",
                    signal="global",
                    strategy=name,
                    paradigm=kind,
                    budget="5-shot",
                    gains={"fine-tuned": gain},
                    parts={"rehearsed": own, "kept": own, "lights": 0.0},
                )
            )
    return found


def written(cells):
    return section(cells, [], made="made by hand", picture=None)


@pytest.fixture(scope="module")
def foretelling():
    return written(cells_of(4, slope=10))


def test_a_score_that_foretells_is_called_better(foretelling):
    (verdict,) = HEADLINE.findall(foretelling)
    assert verdict == "**better** than the paradigm alone on these data sets"


def test_a_paradigm_that_foretells_makes_the_score_worse():
    (verdict,) = HEADLINE.findall(written(cells_of(4, slope=-1, paradigm=9)))
    assert verdict.startswith("**worse** than the paradigm, from other data sets")


def test_a_score_that_says_nothing_is_not_called_better():
    (verdict,) = HEADLINE.findall(written(cells_of(3, slope=0, score=0.5)))
    assert "**better**" not in verdict


def test_one_strategy_per_data_set_has_no_pairs():
    text = written([one for one in cells_of(4, slope=10) if one.strategy == "mae"])
    assert HEADLINE.findall(text) == [
        "not comparable with the paradigm, for want of strategies or data sets"
    ]


def test_parts_are_judged_where_two_strategies_have_them(foretelling):
    assert "| kept: signal that views keep" in foretelling
    assert "| pairs: pairs in which" not in foretelling
    # the paradigm cannot tell two strategies of one paradigm apart
    line = "| of one paradigm | 4 | 4 | 1.00 [1.00, 1.00] | 0.50 [0.50, 0.50] | +0.50 "
    assert line in foretelling


def test_few_data_sets_are_told(foretelling):
    assert "4 data sets are few" in foretelling
    assert "in 12 % of cases" in foretelling  # 2 / 2 ** 4, rounded to even


def test_enough_data_sets_need_no_limits(monkeypatch):
    assert "by chance in" not in _alignment_page.warning(6)
    monkeypatch.setattr(_alignment_page, "LEAST", 3)
    text = written(cells_of(3, slope=10))
    assert HEADLINE.findall(text) == ["**better** than the paradigm alone"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.1, 0.3), (0.1, 0.3), "**better** than the paradigm alone"),
        ((0.1, 0.3), (-0.1, 0.3), "**not shown to be better** than the paradigm alone"),
        ((0.1, 0.3), (-0.3, -0.1), "**worse** than the two"),
    ],
)
def test_better_means_better_than_both_rivals(first, second, expected):
    gaps = {
        name: Estimate(value=0.0, low=low, high=high)
        for name, (low, high) in {"one": first, "two": second}.items()
    }
    assert _alignment_page.joined(gaps) == expected


def test_every_cell_and_what_was_left_out_is_listed():
    cells = cells_of(2, slope=1)
    text = section(cells, ["mae on x: why"], made="", picture="alignment.svg")
    rows = [line for line in text.splitlines() if line.startswith("| store")]
    assert len(rows) == len(cells)
    assert "Left out: mae on x: why." in text
    assert "(alignment.svg)" in text
    assert "Fewer than the 12 cells" in text


def test_the_picture_is_the_same_every_time(tmp_path):
    cells = cells_of(2, slope=1)
    for name in ("one.svg", "two.svg"):
        draw(cells, tmp_path / name, kinds=("fine-tuned",))
    first = (tmp_path / "one.svg").read_text()
    assert first == (tmp_path / "two.svg").read_text()
    assert "alignment score" in first


def test_one_section_is_written_and_the_others_stay():
    old = with_section("", "One", "first\n\n### part of one")
    both = with_section(old, "Two", "second")
    again = with_section(both, "One", "new")
    assert "### part of one" not in again
    assert again.index("## One\n\nnew") < again.index("## Two\n\nsecond")
    assert with_section(again, "One", "new") == again
    assert again.startswith("# The audit, audited\n")


def test_planted_faults_leave_what_the_score_predicts_alone():
    known = {"commit": "b55e9", "machine": "x86_64", "date": "2026-01-01"}
    old = with_section("", "Does the score predict the gain?", "It does.")
    text = page({**known, "planted": {"seeds": 5, "flags": {}, "seconds": 1.0}}, old)
    assert "It does." in text
    assert "`b55e9`" in text
    assert "0 of 5" in text


@pytest.mark.parametrize("text", ["store", "store=", "=study"])
def test_a_pair_names_two_folders(text):
    with pytest.raises(Exception, match="two folders"):
        pair(text)
