"""One step of a review through the function behind the command."""

import pytest

from anlage.errors import ConfigError
from anlage.evidence.review import screen


def test_a_review_is_made_counted_and_drawn(tmp_path):
    text = screen(tmp_path / "review")
    assert "Records identified: 0" in text
    assert (tmp_path / "review" / "flow.svg").read_text().startswith("<svg")


def test_steps_follow_each_other(tmp_path):
    folder, table = tmp_path / "review", tmp_path / "r.csv"
    table.write_text("title,source\nA study,PubMed\nAnother,PubMed\nA study,arXiv\n")
    screen(folder, search="ssl", source="PubMed", date="2026-05-18", found=2)
    assert "Imported 3 records, 1 of them duplicates." in screen(folder, records=table)
    text = screen(folder, include=["0001"], exclude=["0002"], by="ab", reason="no images")
    assert "Reports sought for retrieval: 1" in text
    assert "Records excluded: 1" in text
    assert "0002,title,exclude,no images,ab" in (folder / "decisions.csv").read_text()
    assert "ssl" in (folder / "searches.csv").read_text()


def test_a_wrong_stage_writes_no_decision(tmp_path):
    with pytest.raises(ConfigError, match="a stage must be one of"):
        screen(tmp_path / "review", include=["0001"], stage="abstract")
    assert len((tmp_path / "review" / "decisions.csv").read_text().splitlines()) == 1
