"""`audit`: what it hands to the measurements."""

import numpy as np
import pytest
import yaml

from anlage.train import audit as module
from anlage.train.audit import audit


@pytest.fixture
def seen(monkeypatch):
    """Collect every job that an audit makes."""
    jobs = []

    class Seen(module.PretrainJob):
        def __init__(self, *given):
            super().__init__(*given)
            jobs.append(self)

    monkeypatch.setattr(module, "PretrainJob", Seen)
    return jobs


def test_only_training_patients_are_measured_and_a_micro_batch_is_compared(
    seen, slices_store, tmp_path
):
    recipe = tmp_path / "recipe.yaml"
    settings = {
        "method": "simclr",
        "encoder": "resnet10",
        "image_size": [32],
        "parts": ["train", "val", "test"],
        "batch_size": 16,
        "accumulate": 2,
        "augmentation": {"crop_scale": [1.0, 1.0]},
    }
    recipe.write_text(yaml.safe_dump(settings))
    out = tmp_path / "out"
    found = audit(slices_store, recipe=recipe, quick=True, images=10, out=out, label="side")
    (job,) = seen
    assert job.rows.tolist() == np.sort(job.store.split("default")["train"]).tolist()
    assert found.negatives.batch == 8
    mended = (out / "corrected.yaml").read_text()
    assert yaml.safe_load(mended)["parts"] == ["train", "val", "test"]
    assert "another --seed" in mended
