"""The answer as a file."""

import csv
import json
import xml.etree.ElementTree as ET

import pytest

from anlage.errors import ConfigError
from anlage.evidence.answer import pooled_effect
from anlage.evidence.picture import save, svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def answer(base):
    return pooled_effect(base, modality="mri", task="segmentation")


def test_the_forest_has_a_dot_per_study_one_for_the_mean_and_one_for_a_new_study(answer, base):
    tree = ET.fromstring(svg(answer, base))
    assert len(tree.findall(f"{SVG}circle")) == len(answer.studies) + 2


def test_dots_lie_on_their_line_and_larger_effects_further_right(answer, base):
    tree = ET.fromstring(svg(answer, base))
    dots = [float(dot.get("cx")) for dot in tree.findall(f"{SVG}circle")]
    assert dots[:-2] == sorted(dots[:-2])
    lines = tree.findall(f"{SVG}line")[1:]
    for dot, line in zip(dots, lines, strict=True):
        assert float(line.get("x1")) <= dot <= float(line.get("x2"))


def test_the_table_holds_every_listed_row_with_its_effect(answer, base, tmp_path):
    with save(answer, base, tmp_path / "forest.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["row"] for line in lines] == [row.row for row in answer.listed]
    used = {line["row"] for line in lines if line["is_used"] == "True"}
    assert used == {row.row for row in answer.rows}
    (bai,) = [line for line in lines if line["row"] == "E171"]
    assert (bai["direction"], bai["delta"], bai["effect"]) == ("higher", "0.041", "4.1")


def test_json_holds_the_numbers(answer, base, tmp_path):
    values = json.loads(save(answer, base, tmp_path / "forest.json").read_text())
    assert values["pooled"]["mean"] == pytest.approx(answer.pooled.mean)
    assert values["expected"]["low"] == pytest.approx(answer.expected.low)
    assert len(values["studies"]) == answer.pooled.k
    assert values["variance_model"]["correlation"] == 0.5


def test_the_page_is_whole_and_cites_every_row(answer, base, tmp_path):
    page = save(answer, base, tmp_path / "forest.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org", "")
    for row in answer.listed:
        assert f"<td>{row.row}</td>" in page
    assert "<svg" in page


def test_signs_of_the_page_language_are_escaped(make, tmp_path):
    from anlage.evidence.base import Base

    base = Base((make(title="<script>alert(1)</script>", authors="<b>"),), ())
    page = save(pooled_effect(base), base, tmp_path / "f.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;b&gt;" in page


def test_a_png_is_drawn(answer, base, tmp_path):
    path = save(answer, base, tmp_path / "new" / "forest.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_another_suffix_is_refused(answer, base, tmp_path):
    with pytest.raises(ConfigError, match=r"--out must end in one of .html, .svg"):
        save(answer, base, tmp_path / "forest.pdf")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_needs_a_study(base, tmp_path, kind):
    with pytest.raises(ConfigError, match="needs a study with read figures"):
        save(pooled_effect(base, task="retrieval"), base, tmp_path / f"f.{kind}")


@pytest.mark.parametrize("kind", ["csv", "json", "html"])
def test_tables_may_be_empty(base, tmp_path, kind):
    answer = pooled_effect(base, task="retrieval")
    assert save(answer, base, tmp_path / f"f.{kind}").stat().st_size > 20
