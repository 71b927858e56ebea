"""`audit`: what it hands to the measurements."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from anlage.modalities.mri import POLICY
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
    assert mended.startswith("# The recipe as it was audited: no correction is proposed.")


@pytest.fixture
def coarse(tmp_path):
    """A recipe whose masks hide lesions whole, and nothing else."""
    path = tmp_path / "coarse.yaml"
    settings = {
        "method": "mae",
        "encoder": "resnet10",
        "image_size": [32],
        "augmentation": {
            "crop_scale": [1.0, 1.0],
            "views": dict.fromkeys(POLICY.views),
            "mask": {"unit": 16, "ratio": 0.9},
        },
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def audit_coarse(store, recipe, out):
    found = audit(store, recipe=recipe, task="segmentation", quick=True, images=10, out=out)
    return found, (out / "corrected.yaml").read_text()


def test_the_corrected_recipe_is_audited_and_its_score_told(slices_store, coarse, tmp_path, capsys):
    found, mended = audit_coarse(slices_store, coarse, tmp_path / "out")
    checked = found.checked
    assert found.corrections == checked.tried != ()
    assert checked.before == found.least
    assert checked.after.value > checked.before.value
    assert "another --seed" in mended
    told = f"{checked.before.value:.2f}"
    facts = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert facts["checked"]["after"] == checked.after.as_json()
    assert f"on the same images: {told}" in capsys.readouterr().out
    # the corrected recipe by itself has the score that was foretold
    again, _ = audit_coarse(slices_store, tmp_path / "out" / "corrected.yaml", tmp_path / "again")
    assert again.least == checked.after


def test_a_correction_that_makes_it_worse_is_not_made(slices_store, coarse, tmp_path, monkeypatch):
    def worse(auditor):
        found = measured(auditor)
        return replace(found, least=replace(found.least, value=0.0))

    measured = module.measure_whole
    monkeypatch.setattr(module, "measure_whole", worse)
    found, mended = audit_coarse(slices_store, coarse, tmp_path / "out")
    assert found.corrections == ()
    assert not found.checked.is_kept
    assert yaml.safe_load(mended) == yaml.safe_load(coarse.read_text())
    assert mended.startswith("# The recipe as it was audited")
    assert "The recipe is kept as it is" in (tmp_path / "out" / "audit.html").read_text()


def test_a_corrected_recipe_that_is_refused_is_not_proposed(
    slices_store, coarse, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        module, "corrected", lambda recipe, found: {**recipe, **({"stepz": 1} if found else {})}
    )
    found, mended = audit_coarse(slices_store, coarse, tmp_path / "out")
    assert found.corrections == ()
    assert "stepz" in found.checked.refused
    assert yaml.safe_load(mended) == yaml.safe_load(coarse.read_text())
