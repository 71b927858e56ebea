"""The PRISMA 2020 diagram."""

import xml.etree.ElementTree as ET

import pytest

from anlage.evidence.prisma import flow_svg, flow_text
from anlage.evidence.screening import Flow

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def counts():
    return Flow(
        identified={"PubMed": 30, "arXiv <x>": 12},
        duplicates=5,
        screened=37,
        excluded_title=20,
        sought=17,
        not_retrieved=2,
        assessed=15,
        excluded_fulltext={"no control": 6, "no figures": 1},
        included=8,
        waiting=0,
    )


def test_every_count_is_in_the_text(counts):
    text = flow_text(counts)
    for words in (
        "Records identified: 42",
        "PubMed: 30",
        "Duplicates removed: 5",
        "Records screened: 37",
        "Records excluded: 20",
        "Reports sought for retrieval: 17",
        "Reports not retrieved: 2",
        "Reports assessed for eligibility: 15",
        "Reports excluded: 7",
        "no control: 6",
        "Reports included: 8",
    ):
        assert words in text
    assert "Still without" not in text


def test_open_records_are_named(counts):
    waiting = Flow(**{**vars(counts), "waiting": 3})
    assert "Still without a decision: 3" in flow_text(waiting)
    missing = Flow(**{**vars(counts), "not_imported": 2})
    assert "Found by searches, not imported yet: 2" in flow_text(missing)
    assert "not imported" not in flow_text(counts)


def test_the_diagram_is_well_formed_with_nine_boxes(counts):
    tree = ET.fromstring(flow_svg(counts))
    assert len(tree.findall(f"{SVG}rect")) == 9
    words = " ".join(text.text for text in tree.findall(f"{SVG}text"))
    assert "Reports included: 8" in words
    assert "arXiv <x>: 12" in words


def test_no_text_leaves_its_picture(counts):
    tree = ET.fromstring(flow_svg(counts))
    height = float(tree.get("height"))
    assert all(0 < float(text.get("y")) < height for text in tree.findall(f"{SVG}text"))
