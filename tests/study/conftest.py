"""A study so small that it runs in seconds, and one that is finished."""

import copy
import json
import shutil

import polars as pl
import pytest

from anlage.config import layered
from anlage.study.run import study

QUICK = {
    "tasks": [{"task": "classification", "label": ["lesion"]}],
    "strategies": [{"method": "simclr"}],
    "controls": ["scratch", "random_frozen", "pixels", "prior"],
    "budgets": ["2-shot"],
    "pretrain": {
        "encoder": "resnet10",
        "image_size": [16],
        "steps": 2,
        "batch_size": 4,
        "precision": "fp32",
    },
    "adapt": {"min_steps": 2, "max_steps": 2, "batch_size": 4, "precision": "fp32"},
    "learning_rates": [1e-3],
    "pretrain_seeds": 1,
    "draws": 2,
    "replicates": 100,
    "device": "cpu",
}


@pytest.fixture(scope="session")
def quick():
    """Make the settings of a quick study, with changes."""

    def make(**changes):
        return layered(copy.deepcopy(QUICK), changes)

    return make


@pytest.fixture(scope="session")
def finished(slices_store, tmp_path_factory):
    """Folder of a finished 2D study; tests must not write into it."""
    root = tmp_path_factory.mktemp("study") / "done"
    assert study(slices_store, out=root, **copy.deepcopy(QUICK)).exit_code == 0
    return root


@pytest.fixture
def copied(finished, tmp_path):
    """A finished study that a test may damage."""
    return shutil.copytree(finished, tmp_path / "study")


@pytest.fixture(scope="session")
def answers():
    """Return the predictions of every job of a study, without what is true."""

    def read(root):
        kept = {}
        for path in sorted(root.glob("jobs/*/cases.parquet")):
            cases = pl.read_parquet(path)
            predicted = [column for column in cases.columns if column[0] == "p"]
            kept[path.parent.name] = cases.select(predicted).to_numpy()
        return kept

    return read


@pytest.fixture(scope="session")
def with_labels():
    """Copy a store and change its labels, row by row."""

    def make(store, folder, change):
        shutil.copytree(store, folder)
        index = folder / "index.parquet"
        frame = pl.read_parquet(index)
        values = change(frame["label:lesion"].to_list())
        frame.with_columns(pl.Series("label:lesion", values)).write_parquet(index)
        card = json.loads((folder / "store.json").read_text())
        card.pop("index_sha256", None)
        (folder / "store.json").write_text(json.dumps(card))
        return folder

    return make
