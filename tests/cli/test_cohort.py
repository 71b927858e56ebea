"""`anlage cohort`: virtual patients as files, and the command that goes on from there."""

import csv

import pytest
import yaml


def test_the_last_line_is_the_next_command(anlage, tmp_path):
    out = tmp_path / "us"
    ran = anlage(
        *("cohort", out, "--modality", "ultrasound", "--patients", 4, "--lesion-mm", "4"),
        *("--shortcut", 0.3, "--dims", 2, "--size", 64, "--sites", 3, "--seed", 1),
        *("--contrast", 1.0, "--lesions", "1,2", "--kinds", "solid", "--clean"),
    )
    assert ran.code == 0, ran.err
    assert ran.last.startswith(
        f"Next: anlage prepare {out} --out {out}-store --modality ultrasound"
    )
    with (out / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4
    for row in rows:
        assert row["lesion"] in ("none", "solid")
        for column in ("image", "mask", "clean"):
            assert (out / row[column]).is_file()
    settings = yaml.safe_load((out / "cohort.yaml").read_text())
    assert settings["lesion_mm"] == [4.0, 4.0]
    assert settings["shortcut"] == 0.3
    assert settings["lesions"] == [1, 2]


def test_the_same_command_again_does_nothing_and_another_is_refused(anlage, refused, tmp_path):
    words = ("cohort", tmp_path / "c", "--modality", "oct", "--patients", 2)
    first = anlage(*words)
    assert first.code == 0
    assert anlage(*words).last == first.last
    assert "other settings (seed: 0 -> 5)" in refused(*words, "--seed", 5)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--modality", "mrii"), "Did you mean 'mri'"),
        (("--modality", "cxr", "--lesion-mm", "four"), "got 'four'"),
        (("--modality", "cxr", "--lesion-mm", "1,2,3"), "lesion_mm"),
        (("--modality", "cxr", "--lesions", "0"), "lesions"),
        (("--modality", "cxr", "--shortcut", "0.5", "--sites", "1"), "at least 2 sites"),
        (("--modality", "cxr", "--patients", "0"), "patients"),
    ],
)
def test_options_that_do_not_fit_are_refused(refused, tmp_path, extra, words):
    assert words in refused("cohort", tmp_path / "c", *extra)
    assert not (tmp_path / "c").exists()


def test_a_modality_must_be_named(anlage, tmp_path):
    ran = anlage("cohort", tmp_path / "c")
    assert ran.code == 2
    assert "--modality" in ran.err
