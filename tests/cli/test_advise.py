"""`anlage advise` on the command line."""

import json

import pytest

from anlage.cli import main


@pytest.fixture
def run(capsys):
    """Run the command; return exit code, output and errors."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["advise", *words])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


CASE = ("--modality", "ct", "--task", "segmentation", "--dims", "3", "--labelled", "40")


def test_it_answers_in_words(run):
    code, out, _ = run(*CASE, "--unlabelled", "300")
    assert code == 0
    assert out.startswith("# ct, 3D, segmentation, 40 labelled, 300 with images")
    assert "**Advice:" in out


def test_options_reach_the_profile(run):
    code, out, _ = run(
        *(*CASE, "--unlabelled", "300", "--image-size", "512,512,100", "--spacing-mm", "0.7,0.7,2"),
        *("--lesion-mm", "9", "--signal", "local", "--rarest-share", "0.2", "--sites", "3"),
        *("--has-side", "--normals-only", "--weights", "medical", "--device", "cpu"),
        *("--memory-gb", "64", "--hours", "100", "--label", "x", "--format", "json"),
    )
    profile = json.loads(out)["profile"]
    assert code == 0
    assert profile["image_size"] == [512, 512, 100]
    assert profile["spacing_mm"] == [0.7, 0.7, 2.0]
    said = {
        "lesion_mm": 9.0,
        "signal": "local",
        "rarest_share": 0.2,
        "sites": 3,
        "has_side": True,
        "normals_only": True,
        "weights": ["medical"],
        "device": "cpu",
        "memory_gb": 64.0,
        "hours": 100.0,
        "label": ["x"],
        "labelled": 40,
        "unlabelled": 300,
    }
    assert {name: profile[name] for name in said} == said


def test_why_and_all_say_more(run):
    _, plain, _ = run(*CASE)
    _, more, _ = run(*CASE, "--why", "--all")
    assert "Why in this order" in more
    assert more.count("in full:") > plain.count("in full:")


def test_a_page_is_written_to_a_file(run, tmp_path):
    page = tmp_path / "deep" / "advice.html"
    code, out, _ = run(*CASE, "--format", "html", "--out", str(page))
    assert code == 0
    assert str(page) in out
    assert page.read_text().startswith("<!doctype html>")


def test_a_word_it_does_not_know_is_refused_with_the_nearest(run):
    code, _, err = run("--modality", "mri3")
    assert code == 2
    assert "mri" in err


def test_every_file_that_was_written_is_named(run, tmp_path):
    words, recipe = tmp_path / "advice.md", tmp_path / "r.yaml"
    code, out, _ = run(*CASE, "--recipe", str(recipe), "--out", str(words))
    beside = tmp_path / "r.pretrain.yaml"
    assert code == 0
    assert out.strip() == f"Written: {words}, {recipe}, {beside}"
    assert sorted(tmp_path.iterdir()) == [words, beside, recipe]
    assert f"anlage study STORE --recipe {recipe} --out OUT" in words.read_text()
