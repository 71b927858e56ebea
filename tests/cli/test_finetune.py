"""`anlage finetune`: what does not fit is refused before anything is written."""

import json
import shutil

import polars as pl
import pytest

from anlage.train.pretrain import pretrain

QUICK = (
    "--encoder", "resnet10", "--image-size", "16", "--device", "cpu",
    "--set", "adapt.min_steps=2", "--set", "adapt.max_steps=2", "--set", "adapt.batch_size=4",
)  # fmt: skip
CLASSIFY = ("--task", "classification", "--label", "lesion")


def options(store, tmp_path, *extra):
    return ("finetune", store, "--out", tmp_path / "run", "--start", "scratch", *QUICK, *extra)


def test_a_dry_run_writes_nothing(anlage, slices_store, tmp_path):
    ran = anlage(*options(slices_store, tmp_path, *CLASSIFY, "--dry-run"))
    assert ran.code == 0
    assert "2 steps" in ran.out
    assert not list(tmp_path.iterdir())


def test_the_last_line_is_the_next_command(anlage, slices_store, tmp_path):
    ran = anlage(*options(slices_store, tmp_path, *CLASSIFY))
    assert ran.code == 0
    assert ran.last == f"Next: anlage evaluate {tmp_path / 'run'} --store {slices_store}"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--task", "clasification", "--label", "lesion"), "Did you mean 'classification'"),
        (("--task", "classification"), "needs a label column"),
        (("--task", "classification", "--label", "leson"), "Did you mean 'lesion'"),
        (("--task", "segmentation", "--label", "lesion"), "Leave --label out"),
        ((*CLASSIFY, "--budget", "5shots"), "must be like 5-shot"),
        ((*CLASSIFY, "--set", "adapt.epoch=3"), "Did you mean 'epochs'"),
        ((*CLASSIFY, "--set", "adapt.min_steps=9"), "min_steps must not exceed max_steps"),
        ((*CLASSIFY, "--start", "nowhere"), "nowhere"),
        ((*CLASSIFY, "--start", "imagenet"), "no ImageNet weights"),
        ((*CLASSIFY, "--split", "other"), "no split named"),
        (("--label", "lesion"), "'task' must be given"),
    ],
)
def test_options_that_cannot_be_are_refused(refused, slices_store, tmp_path, extra, words):
    assert words in refused(*options(slices_store, tmp_path, *extra))
    assert not (tmp_path / "run").exists()


def relabelled(store, folder, change):
    shutil.copytree(store, folder)
    frame = pl.read_parquet(folder / "index.parquet")
    text = (folder / "store.json").read_text()
    pl.DataFrame(change(frame)).write_parquet(folder / "index.parquet")
    kept = [line for line in text.splitlines() if "index_sha256" not in line]
    (folder / "store.json").write_text("\n".join(kept).replace(",\n}", "\n}"))
    return folder


def test_one_class_only_is_refused(refused, slices_store, tmp_path):
    store = relabelled(
        slices_store,
        tmp_path / "store",
        lambda f: f.with_columns(pl.lit("a").alias("label:lesion")),
    )
    assert "at least two classes" in refused(*options(store, tmp_path, *CLASSIFY))
    assert not (tmp_path / "run").exists()


def test_images_without_labels_are_refused(refused, slices_store, tmp_path):
    nothing = pl.lit(None, dtype=pl.String).alias("label:lesion")
    store = relabelled(slices_store, tmp_path / "store", lambda f: f.with_columns(nothing))
    refused(*options(store, tmp_path, *CLASSIFY))
    assert not (tmp_path / "run").exists()


def test_an_encoder_of_slices_is_refused_for_volumes(
    refused, slices_store, volumes_store, tmp_path
):
    pretrain(
        slices_store,
        out=tmp_path / "encoder",
        encoder="resnet10",
        image_size=[16],
        steps=1,
        batch_size=4,
        device="cpu",
    )
    start = ("--start", tmp_path / "encoder")
    assert "has dims 2 and the store 3" in refused(
        *options(volumes_store, tmp_path, *CLASSIFY, *start)
    )
    assert not (tmp_path / "run").exists()


def test_an_unfinished_pretraining_is_named_with_its_step(refused, anlage, slices_store, tmp_path):
    pretraining = tmp_path / "unfinished"
    pretraining.mkdir()
    card = {"status": "stopped", "steps": 21, "stated": {"steps_planned": 400}}
    (pretraining / "run.json").write_text(json.dumps(card))
    given = options(slices_store, tmp_path, *CLASSIFY, "--start", pretraining)
    assert f"{pretraining} is at step 21 of 400. Give its command again" in refused(*given)
    assert "warning" not in anlage(*given).out


def test_a_start_that_is_not_there_is_not_called_transductive(anlage, slices_store, tmp_path):
    ran = anlage(*options(slices_store, tmp_path, *CLASSIFY, "--start", "nowhere"))
    assert ran.code == 2
    assert "transductive" not in ran.out + ran.err


def test_a_budget_has_one_name(anlage, slices_store, tmp_path):
    given = options(slices_store, tmp_path, *CLASSIFY, "--budget", "2shot", "--dry-run")
    assert "(2-shot)" in anlage(*given).out
