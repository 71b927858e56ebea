"""The rehearsal of an audit: of which images, for which tasks, and where its number goes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from anlage.alignment.measure import Audit
from anlage.train import audit as module
from anlage.train import audited
from anlage.train.audit import audit

BASE = {
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "batch_size": 8,
    "steps": 1,
    "method": "simclr",
}
SMALL = {**BASE, "augmentation": {"crop_scale": [0.15, 0.2], "views": {}}}


@pytest.fixture
def told(slices_store, tmp_path, monkeypatch):
    """Audit with a recipe; also return what was rehearsed, as audit.json and alignment.json say."""
    asked = []

    def seen(material, plan, spec, target, **more):
        found = rehearse(material, plan, spec, target, **more)
        asked.append((material.sample, plan.crop_scale, more, found))
        return found

    rehearse = audited.rehearse
    monkeypatch.setattr(audited, "rehearse", seen)

    def run(values, **more):
        asked.clear()
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(yaml.safe_dump(values))
        out = tmp_path / "out"
        given = {"label": "side", "images": 10, **more}
        found = audit(slices_store, recipe=recipe, out=out, **given)
        files = [json.loads((out / f"{one}.json").read_text()) for one in ("audit", "alignment")]
        return found, list(asked), *files

    return run


def kept_of(found):
    """Lesions that are kept say nothing of a label that could not be read."""
    return None if found.whole.kept is None else found.least.value


def without_parts(monkeypatch):
    """Audits of the parts take seconds, and are not asked about here."""
    plain = module.audit_strategy

    def whole_only(material, strategy, **more):
        return plain(material, replace(strategy, plan=replace(strategy.plan, steps=())), **more)

    monkeypatch.setattr(module, "audit_strategy", whole_only)


def test_the_score_goes_into_both_files_and_onto_the_screen(
    told, monkeypatch, capsys, slices_store
):
    without_parts(monkeypatch)
    found, ((rows, *_, score),), facts, alignment = told(BASE)
    assert isinstance(found, Audit)
    assert found.rehearsal == score
    assert facts["alignment_score"] == score.as_json()
    expected = {
        "kept": kept_of(found),
        **{k: getattr(score, k) for k in ("gain", "low", "high")},
    }
    rounded = {name: None if one is None else round(one, 4) for name, one in expected.items()}
    own = {"store": module.Store.open(slices_store).fingerprint, "label": "side"}
    assert alignment == {"simclr": {**rounded, **own}}
    assert f"Alignment score (rehearsed gain): {score.gain:+.1f} points" in capsys.readouterr().out
    # more images than the parts look at, none of them of test patients
    store = module.Store.open(slices_store)
    assert 10 < len(rows) == score.images
    assert set(rows.tolist()) <= set(np.sort(store.split("default")["train"]).tolist())


def test_another_seed_is_another_rehearsal(told, monkeypatch):
    without_parts(monkeypatch)
    first, second = (told(BASE, seed=seed)[0].rehearsal for seed in (0, 1))
    assert first.gain != second.gain


@pytest.mark.parametrize("less", [{"quick": True}, {"task": "segmentation"}, {"label": None}])
def test_what_has_no_label_to_read_or_no_time_is_not_rehearsed(told, monkeypatch, less, capsys):
    without_parts(monkeypatch)
    found, asked, facts, alignment = told(BASE, **less)
    assert found.rehearsal is None
    assert asked == []
    assert facts["alignment_score"] is None
    assert alignment["simclr"]["gain"] is None
    kept = kept_of(found)
    assert alignment["simclr"]["kept"] == (None if kept is None else round(kept, 4))
    assert "Alignment score (rehearsed gain): not measured" in capsys.readouterr().out


def test_a_corrected_recipe_is_rehearsed_by_itself(told, monkeypatch):
    without_parts(monkeypatch)
    found, asked, facts, _ = told(SMALL)
    assert found.corrections
    (first, small, _, before), (second, milder, _, after) = asked
    assert milder[0] > small[0]
    assert np.array_equal(first, second)
    assert found.rehearsal == before
    assert found.checked.rehearsal == after
    assert facts["checked"]["alignment_score"] == after.as_json()
