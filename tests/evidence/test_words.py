"""The answer in words."""

import pytest

from anlage.evidence.answer import pooled_effect
from anlage.evidence.words import (
    answer_text,
    citation,
    entry_text,
    interval,
    number,
    row_line,
    short_name,
)


@pytest.fixture(scope="module")
def answer(base):
    return pooled_effect(base, modality="mri", task="segmentation")


def test_the_text_holds_rows_number_and_warnings(answer, base):
    text = answer_text(answer, base)
    for words in (
        "for modality mri, task segmentation",
        "* E171 Bai 2019",
        "all studies, mean",
        f"Mean of {answer.pooled.k} studies: {answer.pooled.mean:+.1f} points",
        "95% interval",
        "95% prediction interval",
        "After partial pooling",
        "Below the control:",
        "Left out of the number:",
    ):
        assert words in text


def test_rows_can_be_left_away(answer, base):
    assert "* E171" not in answer_text(answer, base, with_rows=False)


def test_only_rows_of_the_number_are_starred(answer, base):
    lines = answer_text(answer, base).splitlines()
    starred = {line.split()[1] for line in lines if line.startswith("* E")}
    assert starred == {row.row for row in answer.rows}


def test_every_study_has_one_line_with_its_effect(answer, base):
    lines = answer_text(answer, base, with_rows=False).splitlines()
    for study in answer.studies:
        assert any(f"{len(study.rows):>4} {study.mean:>+7.1f}  " in line for line in lines)


def test_no_line_of_the_plot_is_wider_than_a_terminal(base):
    text = answer_text(pooled_effect(base), base, with_rows=False)
    plot = text.split("\n\n")[1].splitlines()
    assert len(plot) > 30
    assert max(len(line) for line in plot) <= 100


def test_without_figures_the_text_says_so(base):
    text = answer_text(pooled_effect(base, task="retrieval"), base)
    assert "No row with read figures answers this question." in text


def test_two_studies_with_a_wide_interval_still_fit(make, base):
    from anlage.evidence.base import Base

    rows = (make(), make(row="E002", study="S002", ssl=0.75))
    small = Base(rows, ())
    assert "all studies, mean" in answer_text(pooled_effect(small), small)


def test_a_row_shows_figures_source_and_rules(base):
    text = entry_text(base.find("E050"), base)
    for words in ("0.833", "0.75", "AUPRC (higher is better)", "+8.30 points", "R11, R54"):
        assert words in text
    assert "Tables 1-3" in text


def test_an_unread_row_says_that_it_was_not_read(base):
    text = entry_text(base.find("E112"), base)
    assert "not read" in text
    assert "enters no number" in text


def test_a_rule_shows_the_rows_it_rests_on(base):
    text = entry_text(base.find("R08"), base)
    assert "modality=ultrasound" in text
    assert "E093" in text


def test_a_rule_without_rows_says_so(base):
    assert "no row of the base carries it" in entry_text(base.find("R31"), base)


def test_a_study_without_known_authors_goes_by_its_title(make):
    line = row_line(make(authors="not named in the text read", title="Retina study"))
    assert "Retina study" in line


def test_signs_are_always_shown():
    assert number(1.25) == "+1.2"
    assert number(None) == "unknown"
    assert interval(-1.0, 2.0) == "[-1.0, +2.0]"
    assert interval(None, None) == "no interval"


def test_a_citation_has_authors_year_title_and_identifier(make):
    assert citation(make()) == "Doe, Roe (2024). A study. arXiv:2400.00000"


def test_what_a_row_does_not_state_leaves_no_gap(base):
    row = base.find("E171").model_copy(
        update={"pretext": "", "dataset": "", "encoder": "", "baseline_note": ""}
    )
    text = entry_text(row, base)
    assert f"({row.paradigm})" in text
    assert "data not named (mri, " in text
    assert not [gap for gap in ("; )", "none:", "on     ") if gap in text]


@pytest.mark.parametrize(
    ("authors", "name"),
    [
        ("Doe, Roe", "Doe 2024"),
        ("Hosseinzadeh Taher, Haghighi", "Hosseinzadeh Taher 2024"),
        ("Afzal (M. M.), Khan (M. O.), Fang", "Afzal 2024"),
        ("Wang et al.", "Wang 2024"),
        ("van  der Sluijs, Rubin", "van der Sluijs 2024"),
        ("AMLP authors (names not seen)", "AMLP 2024"),
        ("University of North Carolina at Charlotte group", "Univ. of North Carolina 2024"),
        ("Wolfeschlegelsteinhausenbergerdorff, Doe", "Wolfeschlegelsteinhausen 2024"),
        ("not named in the text read", "A study 2024"),
        ("", "A study 2024"),
    ],
)
def test_a_study_goes_by_its_first_author_or_group(make, authors, name):
    assert short_name(make(authors=authors)) == name


def test_a_name_in_a_column_ends_at_a_word_and_keeps_its_year(make):
    row = make(authors="Hosseinzadeh Taher, Haghighi")
    assert short_name(row, width=13) == "Hosseinzadeh 2024"
    group = make(authors="University of North Carolina at Charlotte group")
    assert " Univ. 2024         mae " in row_line(group)
    assert short_name(group, width=14) == "Univ. of North 2024"
