"""`anlage study`: dry runs and refusals."""

import pytest


def test_a_dry_run_writes_nothing(anlage, slices_store, tmp_path):
    ran = anlage(
        "study", slices_store, "--out", tmp_path / "s", "--task", "classification",
        "--label", "lesion", "--method", "mae", "--method", "simclr", "--encoder", "resnet10",
        "--budgets", "5-shot", "--draws", "2", "--pretrain-seeds", "1", "--dry-run",
    )  # fmt: skip
    assert ran.code == 0
    assert "Plan: 2 strategies (mae, simclr), " in ran.out
    assert not list(tmp_path.iterdir())


def test_the_strategy_that_is_taken_where_none_is_named_is_said(anlage, slices_store, tmp_path):
    ran = anlage(
        "study", slices_store, "--out", tmp_path / "s", "--task", "classification", "--label",
        "lesion", "--encoder", "resnet10", "--budgets", "5-shot", "--dry-run",
    )  # fmt: skip
    assert "Plan: 1 strategy (simclr, as none was named), " in ran.out


def test_a_misspelt_setting_beside_a_recipe_is_not_blamed_on_it(refused, slices_store, tmp_path):
    recipe = tmp_path / "fast.yaml"
    recipe.write_text("tasks: [{task: segmentation}]")
    given = ("study", slices_store, "--out", tmp_path / "s", "--recipe", recipe)
    said = refused(*given, "--set", "pretrain.stpes=2")
    assert "options or --set: there is no setting 'pretrain.stpes'. Did you mean 'steps'?" in said
    assert "fast.yaml" not in said


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ((), "'tasks' must be given"),
        (("--label", "lesion"), "a label belongs to a task"),
        (("--task", "clasification"), "Did you mean 'classification'"),
        (("--task", "segmentation", "--method", "maee"), "Did you mean 'mae'"),
        (("--task", "segmentation", "--encoder", "resnet19"), "Did you mean 'resnet1"),
        (("--task", "segmentation", "--set", "pretrain.image_size=[8]"), "at least 16"),
        (
            (
                "--task",
                "segmentation",
                "--set",
                "strategies=[{method: mae, settings: {method_options: {zzz: 1}}}]",
            ),
            "zzz",
        ),
        (("--task", "segmentation", "--budgets", "many"), "must be like 5-shot"),
        (("--task", "segmentation", "--budgets", "5-shot", "--budgets", "5shot"), "of their own"),
        (("--task", "segmentation", "--set", "drws=2"), "Did you mean 'draws'"),
        (("--task", "segmentation", "--set", "pretrain.parts=[test]"), "training part alone"),
        (("--task", "segmentation", "--set", "strategies=[{method: mae, x: 1}]"), "'strategies"),
    ],
)
def test_options_that_cannot_be_are_refused(refused, slices_store, tmp_path, extra, words):
    assert words in refused("study", slices_store, "--out", tmp_path / "s", *extra)
    assert not (tmp_path / "s").exists()
