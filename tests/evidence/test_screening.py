"""A living review: searches, duplicates, decisions in order, and the PRISMA 2020 counts."""

import csv

import pytest

from anlage.errors import ConfigError, DataError
from anlage.evidence.records import columns
from anlage.evidence.screening import decide, flow, import_records, log_search, start


@pytest.fixture
def review(tmp_path):
    """A review of six records from two sources, one of them a duplicate."""
    folder = start(tmp_path / "review")
    table = tmp_path / "export.csv"
    table.write_text(
        "title,source,year,identifier\n"
        "First study,PubMed,2023,10.1/a\n"
        "Second study,PubMed,2024,\n"
        "Third study,PubMed,2024,\n"
        "Fourth study,arXiv,2024,arXiv:2401.1\n"
        "Fifth study,arXiv,2024,\n"
        "FIRST STUDY!,arXiv,2023,\n"
    )
    assert import_records(folder, table) == (6, 1)
    return folder


def test_a_review_starts_with_its_tables_and_the_form(tmp_path):
    folder = start(tmp_path / "review")
    names = {path.name for path in folder.iterdir()}
    assert names == {"searches.csv", "records.csv", "decisions.csv", "extraction.csv"}
    with (folder / "extraction.csv").open() as file:
        assert tuple(next(csv.reader(file))) == columns()


def test_starting_again_changes_nothing(review):
    before = {path.name: path.read_text() for path in review.iterdir()}
    start(review)
    assert {path.name: path.read_text() for path in review.iterdir()} == before


def test_a_search_is_logged_with_its_day(review):
    log_search(review, date="2026-05-18", source="PubMed", query="ssl AND mri", found=3)
    log_search(review, date="2026-06-18", source="Scopus", query="ssl", found=0)
    assert flow(review).identified == {"PubMed": 3, "arXiv": 3, "Scopus": 0}
    assert flow(review).not_imported == 0


def test_what_a_search_found_and_nobody_imported_is_counted_apart(review):
    for source, found in (("PubMed", 5), ("arXiv", 1), ("Scopus", 4)):
        log_search(review, date="2026-05-18", source=source, query="ssl", found=found)
    counts = flow(review)
    assert sum(counts.identified.values()) == counts.duplicates + counts.screened
    assert counts.not_imported == (5 - 3) + 0 + 4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"date": "May 2026"}, "a day such as 2026-05-18"),
        ({"source": ""}, "must name its source"),
        ({"query": " "}, "must name its source and query"),
        ({"found": -1}, "how many records"),
    ],
)
def test_half_a_search_is_refused(review, changed, words):
    whole = {"date": "2026-05-18", "source": "PubMed", "query": "ssl", "found": 3}
    with pytest.raises(ConfigError, match=words):
        log_search(review, **{**whole, **changed})


def test_the_same_title_or_identifier_is_a_duplicate(review, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text("title,source,identifier\nRenamed,Scopus,https://doi.org/10.1/A\n")
    assert import_records(review, table) == (1, 1)
    assert flow(review).duplicates == 2


def test_a_record_without_title_is_refused_and_nothing_added(review, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text("title,source\nGood,Scopus\n,Scopus\n")
    with pytest.raises(DataError, match="record 2 has ''"):
        import_records(review, table)
    assert flow(review).screened == 5


def test_the_flow_counts_every_stage(review):
    decide(review, ["0002"], decision="exclude", stage="title")
    decide(review, ["0001", "0003", "0004"], decision="include", stage="title")
    decide(review, ["0003"], decision="exclude", stage="retrieval")
    decide(review, ["0001", "0004"], decision="include", stage="retrieval")
    decide(review, ["0001"], decision="exclude", stage="fulltext", reason="no control")
    decide(review, ["0004"], decision="include", stage="fulltext")
    found = flow(review)
    assert found.identified == {"PubMed": 3, "arXiv": 3}
    assert (found.duplicates, found.screened, found.excluded_title) == (1, 5, 1)
    assert (found.sought, found.not_retrieved, found.assessed) == (3, 1, 2)
    assert found.excluded_fulltext == {"no control": 1}
    assert (found.included, found.waiting) == (1, 1)


def test_counts_add_up_at_any_moment(review):
    for stage, ids in (("title", ["0001", "0002"]), ("retrieval", ["0001"])):
        decide(review, ids, decision="include", stage=stage)
        found = flow(review)
        closed = found.excluded_title + found.not_retrieved + found.included
        closed += sum(found.excluded_fulltext.values())
        assert sum(found.identified.values()) == found.duplicates + found.screened
        assert found.screened == closed + found.waiting


def test_a_later_decision_replaces_an_earlier_one_and_both_are_kept(review):
    decide(review, ["0002"], decision="exclude", stage="title", by="ab")
    decide(review, ["0002"], decision="include", stage="title", by="cd")
    assert (flow(review).excluded_title, flow(review).sought) == (0, 1)
    assert len((review / "decisions.csv").read_text().splitlines()) == 3


def test_stages_follow_each_other(review):
    with pytest.raises(ConfigError, match="0001 must first be included at the stage title"):
        decide(review, ["0001"], decision="include", stage="fulltext")


def test_an_exclusion_after_reading_needs_a_reason(review):
    with pytest.raises(ConfigError, match="must have a reason"):
        decide(review, ["0001"], decision="exclude", stage="fulltext")


def test_a_duplicate_cannot_be_decided_on(review):
    with pytest.raises(ConfigError, match="no duplicate, got '0006'"):
        decide(review, ["0006"], decision="include", stage="title")


def test_an_unknown_record_decides_nothing(review):
    with pytest.raises(ConfigError, match="got '0042'"):
        decide(review, ["0001", "0042"], decision="include", stage="title")
    assert flow(review).sought == 0


def test_an_unknown_stage_names_the_nearest(review):
    with pytest.raises(ConfigError, match="Did you mean 'fulltext'"):
        decide(review, ["0001"], decision="include", stage="full_text")


def test_a_folder_that_is_no_review_says_how_to_start(tmp_path):
    with pytest.raises(DataError, match="anlage evidence screen FOLDER"):
        flow(tmp_path)


def test_a_damaged_table_is_named(review):
    (review / "decisions.csv").write_text("id,stage\n")
    with pytest.raises(DataError, match=r"decisions.csv must have the columns"):
        flow(review)
