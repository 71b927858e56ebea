"""`evaluate` from a run folder to numbers on disk, and what it refuses."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.evaluate.run import evaluate


@pytest.fixture(scope="module")
def judged(classifier, slices_store, tmp_path_factory):
    out = tmp_path_factory.mktemp("judged") / "evaluation"
    return evaluate(classifier, store=slices_store, out=out, device="cpu")


def test_every_labelled_case_of_the_part_is_kept_once(judged, slices_store):
    store = Store.open(slices_store)
    cases = pl.read_parquet(judged.folder / "cases.parquet")
    assert cases["row"].to_list() == store.split()["test"].tolist()
    assert cases["id"].to_list() == [store.ids[row] for row in cases["row"]]


def test_the_numbers_are_those_of_the_kept_cases(judged):
    cases = pl.read_parquet(judged.folder / "cases.parquet")
    truth = cases["t0"].to_numpy().astype(int)
    scores = cases.select("p0", "p1").to_numpy()
    expected = {
        "balanced_accuracy": balanced_accuracy_score(truth, scores.argmax(axis=1)),
        "auroc": roc_auc_score(truth, scores[:, 1]),
    }
    for name, value in expected.items():
        assert judged.metrics[name].value == pytest.approx(value)


def test_the_file_says_what_the_function_returns(judged, slices_store):
    kept = json.loads((judged.folder / "metrics.json").read_text())
    assert list(kept["metrics"]) == list(judged.metrics)
    for name, estimate in judged.metrics.items():
        assert kept["metrics"][name]["value"] == estimate.value
        assert kept["metrics"][name]["low"] == estimate.low
    assert kept["run"]["store"] == Store.open(slices_store).fingerprint
    assert kept["run"]["part"] == "test"
    assert kept["run"]["seen"] == 0


def test_the_worst_cases_are_drawn(judged):
    assert (judged.folder / "worst.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_command_gives_the_same_numbers(judged, classifier, slices_store, tmp_path):
    again = evaluate(classifier, store=slices_store, out=tmp_path / "x", device="cpu")
    for name, estimate in judged.metrics.items():
        same = again.metrics[name]
        assert (same.value, same.low, same.high) == (estimate.value, estimate.low, estimate.high)
    first, second = (pl.read_parquet(e.folder / "cases.parquet") for e in (judged, again))
    assert first.equals(second)


def test_the_seed_moves_intervals_and_not_values(judged, classifier, slices_store, tmp_path):
    again = evaluate(classifier, store=slices_store, out=tmp_path / "x", seed=7, device="cpu")
    assert again.metrics["brier"].value == judged.metrics["brier"].value
    assert again.metrics["brier"].low != judged.metrics["brier"].low


def test_training_images_are_warned_of(classifier, slices_store, tmp_path, capsys):
    evaluate(classifier, store=slices_store, part="train", out=tmp_path / "x", device="cpu")
    said = capsys.readouterr().out
    train = len(Store.open(slices_store).split()["train"])
    assert f"warning: {train} of these {train} images were used in training" in said
    assert json.loads((tmp_path / "x" / "metrics.json").read_text())["run"]["seen"] == train


def test_unseen_images_are_not_warned_of_and_few_patients_are(
    classifier, slices_store, tmp_path, capsys
):
    evaluate(classifier, store=slices_store, out=tmp_path / "x", device="cpu")
    said = capsys.readouterr().out
    assert "warning: " not in said
    assert "patients" in said
    assert said.splitlines()[-1].startswith("Next: anlage study ")


def test_volumes_are_segmented_and_scored(segmenter, volumes_store, tmp_path):
    found = evaluate(segmenter, store=volumes_store, out=tmp_path / "x", device="cpu")
    assert list(found.metrics) == ["dice", "nsd", "hd95_mm", "volume_error"]
    cases = pl.read_parquet(tmp_path / "x" / "cases.parquet")
    assert found.metrics["dice"].value == pytest.approx(cases["dice:1"].mean())
    assert (cases["failed"] == 0).all()


def test_results_go_beside_the_run_unless_said_otherwise(classifier, slices_store):
    found = evaluate(classifier, store=slices_store, part="val", device="cpu")
    assert found.folder == classifier / "evaluation-val"
    assert (found.folder / "metrics.json").is_file()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"part": "tset"}, ConfigError, "part must be one of train, val, test, got 'tset'"),
        ({"split": "other"}, DataError, "no split named 'other'"),
        ({"run": "nothing"}, DataError, "no model.json"),
        ({"store": "nothing"}, DataError, "must be a store made by anlage prepare"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    classifier, slices_store, tmp_path, change, kind, words
):
    given = {"run": classifier, "store": slices_store, "out": tmp_path / "x", **change}
    with pytest.raises(kind, match=words):
        evaluate(given.pop("run"), **given, device="cpu")
    assert not (tmp_path / "x").exists()


def test_a_model_of_slices_refuses_volumes(classifier, volumes_store, tmp_path):
    with pytest.raises(ConfigError, match="has dims 2 and the store 3"):
        evaluate(classifier, store=volumes_store, out=tmp_path / "x", device="cpu")
    assert not (tmp_path / "x").exists()


def test_another_store_of_the_same_kind_is_judged(classifier, slices_files, tmp_path):
    store = prepare(
        slices_files,
        out=tmp_path / "store",
        modality="mri",
        label=["lesion"],
        patient="patient",
        seed=5,
        workers=0,
    ).store
    found = evaluate(classifier, store=store, out=tmp_path / "x", device="cpu")
    assert found.metrics["balanced_accuracy"].value is not None


def test_a_part_without_labels_is_refused(classifier, slices_files, tmp_path):
    files = tmp_path / "files"
    files.symlink_to(slices_files)
    table = (slices_files / "labels.csv").read_text().splitlines()
    names = table[0].split(",")
    place = names.index("lesion")
    rows = [line.split(",") for line in table[1:]]
    for number, row in enumerate(rows):
        row[place] = row[place] if number < 20 else ""
        row.append("train" if number < 20 else "test")
    text = "\n".join(",".join(row) for row in [[*names, "part"], *rows])
    labels = tmp_path / "labels.csv"
    labels.write_text(text.replace("images/", f"{slices_files}/images/"))
    store = prepare(
        slices_files,
        out=tmp_path / "store",
        modality="mri",
        labels=labels,
        label=["lesion"],
        patient="patient",
        split="part",
        workers=0,
    ).store
    with pytest.raises(DataError, match="part test of split 'default' has no labelled images"):
        evaluate(classifier, store=store, out=tmp_path / "x", device="cpu")


def test_intervals_hold_their_values(judged):
    for estimate in judged.metrics.values():
        assert estimate.low <= estimate.value <= estimate.high
        assert np.isfinite([estimate.low, estimate.high]).all()
