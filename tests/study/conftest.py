"""A study so small that it runs in seconds, and one that is finished."""

import copy

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
