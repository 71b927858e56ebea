"""The page: one file that loads nothing, says all numbers, and draws no two arms alike."""

import json
import re

import pytest

from anlage.report._charts import control_style
from anlage.report._efficiency import efficiency
from anlage.report._lookup import Lookup
from anlage.report._read import read_study
from anlage.report.study_page import write_report


def test_it_loads_nothing_and_runs_nothing(folder, page):
    root = folder()
    text = write_report(root).read_text()
    found = page(root)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(found.tags)
    assert all(load.startswith(("#", "data:image/")) for load in found.loads)
    assert not found.handlers
    assert not re.search(r"url\(\s*['\"]?http|@import", text)


def test_a_policy_forbids_loading_too(folder):
    text = write_report(folder()).read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', text)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]


def test_the_same_files_give_the_same_bytes(folder):
    root = folder()
    first = write_report(root).read_bytes()
    assert write_report(root).read_bytes() == first


def test_nothing_else_is_written(folder):
    root = folder()
    before = {path.name for path in root.iterdir()}
    write_report(root)
    assert {path.name for path in root.iterdir()} == before | {"report.html"}


def test_every_number_of_every_table_is_shown(folder, page):
    root = folder()
    text = page(root).text
    values = json.loads((root / "results.json").read_text())
    for cell in values["cells"]:
        for found in cell["metrics"].values():
            for end in ("value", "low", "high"):
                assert f"{found[end]:.3f}" in text
    for found in values["comparisons"]:
        for end in ("delta", "low", "high"):
            assert f"{100 * found[end]:+.1f}".replace("-", "\N{MINUS SIGN}") in text
        assert f"{found['p_adjusted']:.3f}" in text


def test_verdict_notes_and_versions_are_told(folder, page):
    text = page(folder()).text
    assert "pretraining with simclr helps at 5-shot" in text
    for words in ("a note on the data", "0123456789abcdef", "2.13", "400 images"):
        assert words in text


def test_tables_and_figures_have_captions_and_pictures_words(folder):
    text = write_report(folder()).read_text()
    assert text.count("<caption>") >= 1
    for picture in re.findall(r"<img [^>]*>", text):
        assert 'alt="' in picture
    for figure in re.findall(r"<figure>.*?</figure>", text, re.DOTALL):
        assert "<figcaption" in figure


def test_a_legend_names_what_is_beside_it_alone(folder):
    def change(values):
        cells = values["cells"]
        for rung, arm in (("linear", "random_frozen"), ("knn", "pixels")):
            cells += [{**cells[0], "rung": rung, "arm": arm}]

    found = efficiency(Lookup(read_study(folder(change)).results), "cls")
    assert [entry.name for entry in found.rest_legend] == ["raw pixels"]
    assert "raw pixels" not in [entry.name for entry in found.legend]
    assert "random encoder" in [entry.name for entry in found.legend]


def test_no_two_controls_are_drawn_alike():
    controls = ("scratch", "random_frozen", "imagenet", "pixels", "prior")
    drawn = [(style.shape, style.dash) for name in controls if (style := control_style(name))]
    assert len({shape for shape, _ in drawn}) == len({dash for _, dash in drawn}) == 5


def test_the_deciding_rung_is_the_one_that_is_planned(folder):
    def change(values):
        values["planned_rungs"] = {"cls": ["knn", "finetune"]}
        for found in values["comparisons"]:
            found["rung"] = "knn"

    lookup = Lookup(read_study(folder(change)).results)
    assert lookup.deciding_rung("cls", "simclr") == "finetune"
    assert Lookup(read_study(folder()).results).deciding_rung("cls", "simclr") == "finetune"


@pytest.mark.parametrize(("number", "words"), [(1, "(1 draw of labels, 1 seed)"), (3, "3 seeds)")])
def test_one_seed_is_no_seeds(folder, number, words):
    root = folder(lambda values: values["config"].update(pretrain_seeds=number, draws=number))
    text = write_report(root).read_text()
    assert words in text
    assert ("1 seeds" in text, "1 draws" in text) == (False, False)
