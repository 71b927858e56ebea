"""The tables that ship: every row valid, ids unique, rules resting on rows that exist."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import anlage.evidence.base as base_module
from anlage.evidence.records import columns

ROOM = Path(base_module.__file__).parent


def test_the_table_has_the_columns_of_the_schema_in_order():
    with (ROOM / "studies.csv").open(newline="", encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == columns()


def test_ids_are_unique_and_run_without_a_gap(base):
    assert [row.row for row in base.rows] == [f"E{n:03d}" for n in range(1, len(base.rows) + 1)]


def test_a_study_id_stands_for_one_study(base):
    titles = defaultdict(set)
    for row in base.rows:
        titles[row.study].add((row.authors, row.title))
    assert {study for study, found in titles.items() if len(found) > 1} == set()
    assert len(titles) == len({found for pair in titles.values() for found in pair})


def test_a_citation_of_one_paper_stands_for_one_study(base):
    studies = defaultdict(set)
    for row in base.rows:
        if re.match(r"arXiv:|10\.", row.citation):
            studies[row.citation].add(row.study)
    assert {citation for citation, found in studies.items() if len(found) > 1} == set()


def test_there_are_at_least_150_verified_rows_with_both_figures(base):
    assert sum(row.is_verified and row.has_pair for row in base.rows) >= 150


def test_no_unread_row_enters_a_number(base):
    for row in base.rows:
        if row.status in {"partial", "unread"}:
            assert row.effect is None


def test_every_row_with_figures_knows_its_direction(base):
    assert {row.direction for row in base.rows if row.has_pair} <= {"higher", "lower"}


def test_every_row_names_the_text_that_was_read(base):
    for row in base.rows:
        if row.has_pair:
            assert re.search(r"[A-Za-z]{3}", row.source), row.row


def test_second_hand_rows_name_the_copy(base):
    for row in base.rows:
        if row.status == "secondary":
            assert "transcribed" in row.source, row.row


def test_no_two_rows_are_the_same_result(base):
    seen = Counter(
        tuple(v for k, v in row.model_dump().items() if k != "row")
        for row in base.rows
        if row.has_pair
    )
    assert [found for found, times in seen.items() if times > 1] == []


def test_effects_are_of_a_plausible_size(base):
    points = [row for row in base.rows if row.effect is not None and row.measure.scale == "points"]
    assert max(abs(row.effect) for row in points) < 60


def test_rule_ids_are_unique(base):
    assert len({rule.id for rule in base.rules}) == len(base.rules) == 62


def test_every_rule_rests_on_rows_that_exist(base):
    known = {row.row for row in base.rows}
    assert {name for rule in base.rules for name in rule.evidence} <= known


def test_most_findings_rest_on_a_row(base):
    findings = [rule for rule in base.rules if rule.group in {"objective", "corruption"}]
    assert sum(bool(rule.evidence) for rule in findings) / len(findings) > 0.9


@pytest.mark.parametrize("text", ["/work", "session", "agent"])
def test_the_tables_speak_of_studies_only(text):
    for name in ("studies.csv", "rules.json"):
        assert text not in (ROOM / name).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    ("name", "ssl", "baseline", "effect"),
    [
        ("E001", 0.813, 0.775, 3.8),  # MoCo-CXR, 0.1% of labels, end to end
        ("E011", 0.6983, 0.6754, 2.29),  # CAiD, printed in percent
        ("E164", 0.468, 0.591, -12.3),  # DINO on prostate MRI out of distribution
        ("E239", 0.7009, 0.6307, 7.02),  # six volumes of BTCV
    ],
)
def test_figures_are_the_printed_ones(base, name, ssl, baseline, effect):
    row = base.find(name)
    assert (row.ssl, row.baseline) == (ssl, baseline)
    assert row.effect == pytest.approx(effect)
