"""`anlage study`: dry runs and refusals."""

import pytest


def test_a_dry_run_writes_nothing(anlage, slices_store, tmp_path):
    ran = anlage(
        "study", slices_store, "--out", tmp_path / "s", "--task", "classification",
        "--label", "lesion", "--method", "mae", "--method", "simclr", "--encoder", "resnet10",
        "--budgets", "5-shot", "--draws", "2", "--pretrain-seeds", "1", "--dry-run",
    )  # fmt: skip
    assert ran.code == 0
    assert "Plan: 2 strategies" in ran.out
    assert not list(tmp_path.iterdir())


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
