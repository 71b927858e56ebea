"""The page survives half-finished studies, damaged files and spiteful names."""

import json

import pytest
from PIL import Image

from anlage.errors import DataError
from anlage.report.study_page import write_report

SPITE = "<script>alert('x')</script>\"&<img src=x onerror=y>"


@pytest.mark.parametrize(
    "place",
    ["class", "task", "note", "verdict", "arm", "failure", "budget", "machine", "strategy"],
)
def test_hostile_names_are_shown_and_never_run(folder, place, page):
    def spite(values):
        if place == "class":
            values["tasks"]["cls"]["classes"][0] = SPITE
        elif place == "task":
            values["tasks"][SPITE] = values["tasks"].pop("cls")
            values["headlines"] = {SPITE: "balanced_accuracy"}
            for part in (*values["cells"], *values["comparisons"]):
                part["task"] = SPITE
        elif place == "note":
            values["notes"] = [SPITE]
        elif place == "verdict":
            values["verdict"] = [SPITE]
        elif place in {"arm", "strategy"}:
            values["strategies"][0] = SPITE
            for part in (*values["cells"], *values["comparisons"]):
                part["arm"] = SPITE if part["arm"] == "simclr" else part["arm"]
        elif place == "failure":
            values["failures"] = [{"job": SPITE, "reason": SPITE}]
        elif place == "budget":
            for part in (*values["cells"], *values["comparisons"]):
                part["budget"] = SPITE if part["budget"] == "100%" else part["budget"]
        else:
            values["run"]["machine"] = SPITE

    found = page(folder(spite))
    assert "script" not in found.tags
    assert not found.handlers
    assert all(load.startswith(("#", "data:image/")) for load in found.loads)


def drop(*names):
    def change(values):
        for name in names:
            del values[name]

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("cells"),
        drop("comparisons"),
        drop("cells", "comparisons", "verdict"),
        drop("run"),
        drop("data", "tasks"),
        drop("config"),
        drop("headlines"),
        lambda values: values["cells"].pop(),
        lambda values: values["cells"][0]["metrics"].clear(),
        lambda values: values["comparisons"][0].update(delta=None, low=None, high=None),
        lambda values: values["cells"][0]["metrics"]["auroc"].update(value=None, low=None),
        lambda values: values["comparisons"][0].update(low=float("nan")),
        lambda values: values["cells"][0]["metrics"].update(new_metric={"value": 3.0}),
        lambda values: values.update(unknown_part={"of": "a newer version"}),
    ],
)
def test_a_half_finished_study_gets_a_page(folder, change, page):
    found = page(folder(change))
    assert "How to repeat it" in found.text
    assert "nan" not in found.text.lower().split()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [{}]}'])
def test_damaged_results_are_said_and_not_hidden(folder, text, page):
    root = folder()
    (root / "results.json").write_text(text)
    assert "results.json cannot be read" in page(root).text


def test_a_study_without_results_says_so(folder, page):
    root = folder()
    (root / "results.json").unlink()
    assert "stopped before it wrote any result" in page(root).text


def test_damaged_pictures_and_logs_are_left_out(folder, page):
    root = folder()
    run = root / "pretrain" / "simclr-seed0-aa"
    run.mkdir(parents=True)
    (run / "views.png").write_bytes(b"\x89PNG no picture")
    (run / "run.json").write_text("{")
    (run / "log.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "lo')
    assert "How to repeat it" in page(root).text


def test_keys_that_lead_out_of_the_folder_are_not_followed(folder, tmp_path, page):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "run.json").write_text('{"status": "SECRET", "reason": "SECRET"}')

    def change(values):
        values["pretrainings"] = [
            {"strategy": "simclr", "seed": 0, "key": "../../secret"},
            {"strategy": "simclr", "seed": 1, "key": str(secret)},
        ]

    assert "SECRET" not in page(folder(change)).text


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a study folder holds study\.yaml"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def draw_worst(root, captions):
    job = root / "jobs" / "one"
    job.mkdir(parents=True)
    facts = {"task": "cls", "arm": "simclr", "rung": "finetune", "budget": "5-shot"}
    (job / "result.json").write_text(json.dumps({**facts, "draw": 0, "seed": 0}))
    Image.new("RGB", (40, 24), "white").save(job / "worst.png")
    layout = {"columns": 2, "tile": [20, 24], "picture": 18, "captions": captions}
    (job / "worst.json").write_text(json.dumps(layout))


def test_words_under_worst_cases_are_text(folder, page):
    root = folder(lambda values: values.update(jobs=["one"]))
    draw_worst(root, ["benign 80%, is malignant", SPITE])
    text = write_report(root).read_text()
    assert text.count('<li><img src="data:image/') == 2
    assert 'width="18" height="18"' in text
    assert "benign 80%, is malignant" in page(root).text
    assert "<script>" not in text


@pytest.mark.parametrize("layout", ["", "[1]", '{"columns": 0}'])
def test_without_its_words_the_picture_is_shown_whole(folder, layout):
    root = folder(lambda values: values.update(jobs=["one"]))
    draw_worst(root, [])
    (root / "jobs" / "one" / "worst.json").write_text(layout)
    text = write_report(root).read_text()
    assert 'width="40" height="24"' in text
    assert "<li><img" not in text
