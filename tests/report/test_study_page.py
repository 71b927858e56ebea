"""The page: one file that loads nothing, says all numbers, and survives damage and spite."""

import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from anlage.errors import DataError
from anlage.report._charts import control_style
from anlage.report._efficiency import efficiency
from anlage.report._lookup import Lookup
from anlage.report._read import read_study
from anlage.report.study_page import write_report

SPITE = "<script>alert('x')</script>\"&<img src=x onerror=y>"


class Page(HTMLParser):
    """What a browser would load or run, and the text it would show."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.handlers, self.words = [], [], [], []
        self.open = []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data", "poster"}:
                self.loads.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag):
        if tag in self.open:
            self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open[-1:]:
            self.words.append(data)


def page(root):
    return Page(write_report(root).read_text(encoding="utf-8"))


def test_it_loads_nothing_and_runs_nothing(folder):
    text = write_report(folder()).read_text()
    found = Page(text)
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


def test_every_number_of_every_table_is_shown(folder):
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


def test_verdict_notes_and_versions_are_told(folder):
    text = page(folder()).text
    assert "pretraining with simclr helps at 5-shot" in text
    for words in ("a note on the data", "0123456789abcdef", "2.13", "400 images"):
        assert words in text


@pytest.mark.parametrize(
    "place",
    ["class", "task", "note", "verdict", "arm", "failure", "budget", "machine", "strategy"],
)
def test_hostile_names_are_shown_and_never_run(folder, place):
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
def test_a_half_finished_study_gets_a_page(folder, change):
    found = page(folder(change))
    assert "How to repeat it" in found.text
    assert "nan" not in found.text.lower().split()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [{}]}'])
def test_damaged_results_are_said_and_not_hidden(folder, text):
    root = folder()
    (root / "results.json").write_text(text)
    assert "results.json cannot be read" in page(root).text


def test_a_study_without_results_says_so(folder):
    root = folder()
    (root / "results.json").unlink()
    assert "stopped before it wrote any result" in page(root).text


def test_damaged_pictures_and_logs_are_left_out(folder):
    root = folder()
    run = root / "pretrain" / "simclr-seed0-aa"
    run.mkdir(parents=True)
    (run / "views.png").write_bytes(b"\x89PNG no picture")
    (run / "run.json").write_text("{")
    (run / "log.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "lo')
    assert "How to repeat it" in page(root).text


def test_keys_that_lead_out_of_the_folder_are_not_followed(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "run.json").write_text('{"status": "SECRET", "reason": "SECRET"}')

    def change(values):
        values["pretrainings"] = [
            {"strategy": "simclr", "seed": 0, "key": "../../secret"},
            {"strategy": "simclr", "seed": 1, "key": str(secret)},
        ]

    assert "SECRET" not in page(folder(change)).text


def test_failures_are_counted_and_explained(folder):
    def change(values):
        values["failures"] = [{"job": f"job-{n}", "reason": "it broke"} for n in range(3)]
        values["cells"][0]["failed"] = 3

    text = page(folder(change)).text
    assert "3 adaptations failed and count as the worst value" in text
    assert "3 of 3 runs failed" in text
    assert "it broke" in text


def test_leaks_and_few_patients_come_first(folder):
    def change(values):
        values["data"]["torn_groups"] = 4
        warning = "Only 11 patients, fewer than 50: no claim allowed."
        for cell in values["cells"]:
            cell["metrics"]["balanced_accuracy"]["warnings"] = [warning]

    text = page(folder(change)).text
    assert "LEAK: 4 groups" in text
    assert text.index("LEAK") < text.index("What was compared")
    assert text.index("Only 11 patients") < text.index("What was compared")


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a study folder holds study\.yaml"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_tables_and_figures_have_captions_and_pictures_words(folder):
    text = write_report(folder()).read_text()
    assert text.count("<caption>") >= 1
    for picture in re.findall(r"<img [^>]*>", text):
        assert 'alt="' in picture
    for figure in re.findall(r"<figure>.*?</figure>", text, re.DOTALL):
        assert "<figcaption" in figure


def test_runs_of_several_commits_are_a_limit(folder):
    def change(values):
        values["run"]["commits"] = ["0000aaaa", "1111bbbb"]

    words = "runs were done with 2 versions of the code (0000aaaa and 1111bbbb)"
    assert words in page(folder(change)).text
    assert "versions of the code" not in page(folder()).text


def test_the_rule_of_claims_names_all_its_conditions(folder):
    text = page(folder()).text
    assert "at least 50 test patients, 20 of the rarest class, and 3 runs" in text


def few(runs):
    def change(values):
        for cell in values["cells"]:
            cell["runs"] = runs
        for found in values["comparisons"]:
            found |= {"runs": runs, "missing": 0}

    return change


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (1, "Only 1 run: intervals are about patients alone"),
        (2, "Only 2 runs: intervals are wide because of that. No claim is made below 3 runs"),
    ],
)
def test_few_runs_limit_a_study(folder, runs, words):
    assert words in page(folder(few(runs))).text
    assert words not in page(folder(few(3))).text


def test_few_runs_in_some_cells_are_counted(folder):
    def change(values):
        values["cells"][0]["runs"] = 2

    assert "Only 2 runs in 1 of 8 cells:" in page(folder(change)).text


def test_one_limit_is_not_said_twice(folder):
    def change(values):
        few(2)(values)
        values["notes"] = ["cls: the test set has 16 patients. no claim is made below 50."]
        for cell in values["cells"]:
            for metric in cell["metrics"].values():
                metric["patients"] = 16
                metric["warnings"] = [
                    "Only 16 patients, fewer than 50: no claim allowed.",
                    "Only 2 run(s), fewer than 3: the spread between seeds is not known.",
                ]

    text = page(folder(change)).text
    assert "the test set has 16 patients" in text
    assert "Only 16 patients" not in text
    assert "run(s)" not in text


def test_an_arm_that_guesses_is_a_limit(folder):
    def change(values):
        values["comparisons"][0] |= {"runs": 3, "missing": 0, "twin_one_answer": 2}

    text = page(folder(change)).text
    assert (
        "From scratch gave one answer to every case at cls, fine-tuning, 5-shot (2 of 3 runs): a "
        "difference to it is a difference to guessing. Raise adapt.max_steps."
    ) in text
    assert "guessing" not in page(folder()).text


@pytest.mark.parametrize(
    ("arm", "training", "signal", "is_said"),
    [
        ("scratch", 0.62, "global", True),
        ("scratch", 0.95, "global", False),
        ("scratch", None, "global", False),
        ("simclr", 0.62, "global", False),
        ("scratch", 0.62, "dense", False),
    ],
)
def test_a_twin_that_had_not_learnt_its_own_labels_is_a_limit(
    folder, arm, training, signal, is_said
):
    def change(values):
        values["tasks"]["cls"]["signal"] = signal
        for cell in values["cells"]:
            if (cell["arm"], cell["budget"]) == (arm, "5-shot"):
                cell["training"] = training

    said = "cls, 5-shot: the twin from scratch reaches a balanced accuracy of 0.62 on the labelled"
    assert (said in page(folder(change)).text) == is_said


def draw_worst(root, captions):
    job = root / "jobs" / "one"
    job.mkdir(parents=True)
    facts = {"task": "cls", "arm": "simclr", "rung": "finetune", "budget": "5-shot"}
    (job / "result.json").write_text(json.dumps({**facts, "draw": 0, "seed": 0}))
    Image.new("RGB", (40, 24), "white").save(job / "worst.png")
    layout = {"columns": 2, "tile": [20, 24], "picture": 18, "captions": captions}
    (job / "worst.json").write_text(json.dumps(layout))


def test_words_under_worst_cases_are_text(folder):
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
