"""A finished study becomes rows of the user's own base."""

import json
from dataclasses import fields

import pytest

from anlage.errors import DataError
from anlage.evidence.base import load, local_table, own_study
from anlage.evidence.learn import learn, study_rows


@pytest.fixture
def folder(tmp_path, results, own_home):
    def write(values=None):
        (tmp_path / "results.json").write_text(json.dumps(values or results))
        return tmp_path

    return write


def test_a_comparison_becomes_a_row(folder):
    (row,) = learn(folder())
    assert (row.row, row.study) == ("L001", "local-fc5d2d80fb21-classification")
    assert (row.paradigm, row.method, row.modality, row.dims) == (
        "contrastive",
        "simclr",
        ("cxr",),
        ("2d",),
    )
    assert row.effect == pytest.approx(5.0)
    assert (row.ssl, row.baseline) == (0.75, pytest.approx(0.70))
    assert row.delta_se == pytest.approx(0.08 / 3.92, rel=1e-3)
    assert (row.label_fraction, row.label_count) == (0.05, 10)
    assert row in load().rows


def test_learning_twice_changes_nothing(folder):
    learn(folder())
    first = [row.model_dump(exclude={"row"}) for row in load().rows]
    learn(folder())
    assert [row.model_dump(exclude={"row"}) for row in load().rows] == first


def test_studies_on_the_same_images_belong_together(folder, results):
    learn(folder())
    results["config"]["pretrain"]["encoder"] = "y"
    learn(folder(results))
    own = [row for row in load().rows if row.row.startswith("L")]
    assert len(own) == 2
    assert len({row.study for row in own}) == 1


def test_rows_added_by_hand_stay(folder, results):
    learn(folder())
    text = local_table().read_text().replace("results.json of study", "by hand")
    local_table().write_text(text)
    learn(folder(results))
    assert len([row for row in load().rows if row.row.startswith("L")]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"rung": "linear", "twin": "random_frozen"},
        {"rung": "linear", "twin": "scratch", "twin_rung": "finetune"},
        {"twin_rung": "linear"},
        {"arm": "imagenet"},
        {"delta": None, "low": None, "high": None},
        {"failed": 1},
        {"missing": 2},
        {"runs": 1},
        {"runs": None},
        {"twin_one_answer": 1},
        {"is_claimable": False},
        {"low": None},
        {"high": None},
    ],
)
def test_what_is_no_equal_comparison_is_left_out(results, change):
    results["comparisons"][0].update(change)
    assert list(study_rows(results)) == []


def test_a_twin_that_was_adapted_alike_is_learnt_from(results):
    results["comparisons"][0]["twin_rung"] = "finetune"
    assert len(list(study_rows(results))) == 1


def test_every_strategy_task_and_budget_becomes_a_row_with_its_labels(results):
    """Several of each: none is mixed up with another."""
    cell, one = results["cells"][0], results["comparisons"][0]
    results["config"]["strategies"] = [{"name": None, "method": m} for m in ("simclr", "mae")]
    results["config"]["tasks"] = [
        {"name": name, "task": "classification", "label": [name]} for name in ("t", "u")
    ]
    for part in ("tasks", "headlines"):
        results[part]["u"] = results[part]["t"]
    places = [
        {"arm": arm, "task": task, "budget": budget}
        for arm in ("simclr", "mae")
        for task in ("t", "u")
        for budget in ("5-shot", "20-shot")
    ]
    patients = {"5-shot": 10.0, "20-shot": 40.0}
    results["cells"] = [
        {**cell, **place, "train_patients": patients[place["budget"]]} for place in places
    ]
    results["comparisons"] = [{**one, **place} for place in places]
    rows = list(study_rows(results))
    assert len({(row["study"], row["method"], row["label_count"]) for row in rows}) == 8
    assert {(row["labels"], row["label_count"]) for row in rows} == {
        ("5-shot", 10),
        ("20-shot", 40),
    }
    assert {row["study"] for row in rows} == {
        own_study("fc5d2d80fb212d6e", "classification", [name]) for name in ("t", "u")
    }


SMALL = {"augmentation": {"crop_scale": [0.2, 0.3]}}
ADVISED = {"steps": 10, "augmentation": {"mask": {"ratio": 0.6, "unit_mm": 2.0}}}


@pytest.mark.parametrize(
    ("name", "settings", "pretext"),
    [
        (None, {}, "simclr"),
        (None, {"steps": 600, "batch_size": 8}, "simclr"),
        (None, ADVISED, "simclr"),
        ("simclr-small-crops", SMALL, "simclr-small-crops"),
        ("simclr-hides-all", {"augmentation": {"mask": {"ratio": 0.95}}}, "simclr-hides-all"),
        ("simclr-units", {"method_options": {"mask_unit": 4}}, "simclr-units"),
        ("simclr-long", {"steps": 9000, "augmentation": {"task_needs": ["colour"]}}, "simclr"),
        ("simclr-warm", {"method_options": {"temperature": 0.5}}, "simclr"),
        ("simclr-same", {"augmentation": {"views": {}, "crop_scale": None, "mask": {}}}, "simclr"),
        (None, SMALL, "simclr with other crop scale"),
        (
            None,
            {"augmentation": {"views": {"flip_lr": None}, "mask": {"kind": "cube", "ratio": 0.5}}},
            "simclr with other mask kind, views",
        ),
        (None, {"method_options": {"mask_ratio": 0.9}}, "simclr with other mask ratio"),
    ],
)
def test_a_strategy_with_other_views_crops_or_masks_is_marked(results, name, settings, pretext):
    title = name or "simclr"
    results["config"]["strategies"] = [{"name": name, "method": "simclr", "settings": settings}]
    results["cells"][0]["arm"] = results["comparisons"][0]["arm"] = title
    (row,) = study_rows(results)
    assert (row["method"], row["pretext"]) == ("simclr", pretext)


def test_a_variant_is_kept_in_the_base(folder, results):
    cell, one = results["cells"][0], results["comparisons"][0]
    results["config"]["strategies"].append({"name": "small", "method": "simclr", "settings": SMALL})
    results["cells"].append({**cell, "arm": "small"})
    results["comparisons"].append({**one, "arm": "small"})
    learn(folder(results))
    own = [row for row in load().rows if row.row.startswith("L")]
    assert [row.pretext for row in own] == ["simclr", "small"]


def test_what_is_left_out_is_told_with_the_reason(folder, results, capsys):
    guessed = {**results["comparisons"][0], "budget": "25-shot", "twin_one_answer": 3}
    other = {**results["comparisons"][0], "rung": "linear", "runs": 1}
    results["comparisons"] += [guessed, other]
    assert len(learn(folder(results))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Not learnt: simclr for t at 25-shot: ")
    assert "guessing" in line


def test_a_refusal_names_the_reason(folder, results):
    results["comparisons"][0]["runs"] = 1
    with pytest.raises(DataError, match="a single run"):
        learn(folder(results))


def test_other_labels_of_the_same_images_are_another_study(results):
    names = set()
    for label in (["lesion"], ["age group"], ["age-group"], ["lesion", "age group"]):
        results["config"]["tasks"] = [{"name": "t", "task": "classification", "label": label}]
        names |= {row["study"] for row in study_rows(results)}
    assert len(names) == 4
    assert names == {
        own_study("fc5d2d80fb212d6e", "classification", label)
        for label in (["lesion"], ["age group"], ["age-group"], ["age group", "lesion"])
    }


def test_labels_are_found_by_the_title_that_a_task_has_without_a_name(results):
    results["config"]["tasks"] = [{"name": None, "task": "classification", "label": ["x"]}]
    for name in ("tasks", "headlines"):
        results[name] = {"classification-x": results[name]["t"]}
    results["cells"][0]["task"] = results["comparisons"][0]["task"] = "classification-x"
    (row,) = study_rows(results)
    assert row["study"] == own_study("fc5d2d80fb212d6e", "classification", ["x"])


def test_a_metric_that_the_base_lacks_is_left_out(results):
    results["headlines"] = {"t": "hd95_mm"}
    assert list(study_rows(results)) == []


def test_an_error_is_turned_the_right_way(results):
    results["headlines"] = {"t": "mean_absolute_error"}
    results["cells"][0]["metrics"] = {"mean_absolute_error": {"value": 2.0}}
    results["tasks"]["t"]["task"] = "regression"
    (row,) = study_rows(results)
    assert (row["ssl"], row["baseline"]) == (2.0, pytest.approx(2.05))


def test_a_study_without_results_is_refused(tmp_path, folder, results):
    with pytest.raises(DataError, match=r"results\.json"):
        learn(tmp_path / "none")
    results["comparisons"] = []
    with pytest.raises(DataError, match="holds none that counts"):
        learn(folder(results))
    assert not local_table().exists()


def test_studies_write_what_is_read_here(results):
    """The columns of results.json are those of the study's own classes."""
    from anlage.study import results as written

    assert set(results["comparisons"][0]) <= {field.name for field in fields(written.Comparison)}
    assert set(results["cells"][0]) <= {field.name for field in fields(written.Cell)}


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"twin_one_answer": 3}, "adapt.max_steps"),
        ({"runs": 1}, "pretrain_seeds or draws"),
        ({"missing": 2}, "command again"),
        ({"is_claimable": False}, "more test patients"),
        ({"low": None}, "Let the study finish"),
        ({"rung": "linear"}, "Let the study finish"),
    ],
)
def test_a_refusal_says_what_helps(folder, results, change, remedy):
    results["comparisons"][0].update(change)
    with pytest.raises(DataError) as refused:
        learn(folder(results))
    _, advice = str(refused.value).rsplit("counts", 1)
    assert remedy in advice
    assert ("Let the study finish" in advice) == (remedy == "Let the study finish")


def test_a_refusal_names_each_reason_once_with_all_its_places(folder, results, capsys):
    results["comparisons"][0]["twin_one_answer"] = 1
    results["comparisons"].append({**results["comparisons"][0], "budget": "25-shot"})
    with pytest.raises(DataError) as refused:
        learn(folder(results))
    assert str(refused.value).count("guessing") == 1
    assert "at 25-shot: the network" in str(refused.value)
    assert capsys.readouterr().err == ""
