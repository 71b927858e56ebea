"""The whole audit on cohorts with a planted fault: red where it was planted, nowhere else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from anlage.alignment.auditor import Effort
from anlage.alignment.correct import corrected
from anlage.alignment.measure import audit_strategy
from anlage.alignment.planted import FAULTS, control_of, flagged
from anlage.alignment.words import as_json, as_text


class Audits(dict):
    """Audits of planted faults, each made when first asked for."""

    def __missing__(self, fault):
        self[fault] = control_of(fault, seed=0).audit(seed=0)
        return self[fault]


@pytest.fixture(scope="module")
def audits():
    return Audits()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "none"])
def test_a_planted_fault_is_red(audits, fault):
    assert flagged(audits[fault], fault)


def test_a_clean_strategy_is_not(audits):
    assert not flagged(audits["none"], "none")
    assert audits["none"].least.low > 0.9
    assert not audits["none"].corrections


@pytest.mark.parametrize("fault", ["erasing_crop", "colour_jitter", "coarse_mask"])
def test_only_the_planted_part_is_red_and_lowers_the_score(audits, fault):
    found = audits[fault]
    assert [one.light for one in found.findings].count("red") == 1
    assert found.least.value < audits["none"].least.value - 0.1
    limited = {"erasing_crop": "pairs", "colour_jitter": "signal", "coarse_mask": "hidden"}
    assert limited[fault] in found.limited_by


def test_corrections_take_the_fault_away(audits):
    crop, *_ = audits["erasing_crop"].corrections
    assert crop.change["crop_scale"][0] > 0.3
    mask, *_ = audits["coarse_mask"].corrections
    assert mask.change["mask"]["unit"] < 16
    hue, *_ = audits["colour_jitter"].corrections
    settings = hue.change["views"]["hue_saturation"]
    assert settings is None or settings["hue_degrees"] <= 85


def test_a_correction_goes_over_the_recipe_and_keeps_the_rest(audits):
    recipe = {"steps": 5, "augmentation": {"mask": {"unit_mm": 9.0, "ratio": 0.5}}}
    found = corrected(recipe, audits["coarse_mask"].corrections)
    unit = audits["coarse_mask"].corrections[0].change["mask"]["unit"]
    assert found == {"steps": 5, "augmentation": {"mask": {"ratio": 0.5, "unit": unit}}}


def test_the_same_seed_gives_the_same_audit(audits):
    again = control_of("colour_jitter", seed=0).audit(seed=0)
    assert as_json(again) == as_json(audits["colour_jitter"])


def test_an_audit_is_plain_json_and_words(audits):
    found = audits["erasing_crop"]
    facts = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert {part["name"] for part in facts["parts"]} == {one.name for one in found.findings}
    text = as_text(found, title="planted")
    assert "RED" in text
    assert "leaves less than half of the lesion" in text
    assert "crop less" in text


def test_labels_that_no_probe_reads_give_no_number():
    control = control_of("none", seed=1, images=40)
    noise = np.random.default_rng(3).permutation(np.arange(40) % 2).astype(float)
    material = replace(control.material, label_maps=None, has_map=np.zeros(40, bool))
    found = audit_strategy(
        material,
        control.strategy,
        target=replace(control.target, values=noise),
        effort=Effort(draws=1, replicates=100, factors=()),
    )
    assert not found.can_measure_signal
    assert found.least.value is None
    assert "cannot be measured with these labels" in as_text(found, title="noise")


def test_without_labels_and_maps_only_values_are_judged():
    control = control_of("none", seed=1, images=12)
    material = replace(control.material, label_maps=None, has_map=np.zeros(12, bool))
    found = audit_strategy(
        material,
        replace(control.strategy, signal=None),
        effort=Effort(draws=1, replicates=50, factors=()),
    )
    assert found.clean is None
    lights = {one.name: one.light for one in found.findings}
    assert lights["crop"] == "unknown"
    assert lights["brightness_contrast"] == "green"


def test_a_dense_task_is_read_at_pixels(audits):
    control = control_of("none", seed=0, images=40)
    found = audit_strategy(
        control.material,
        replace(control.strategy, signal="dense"),
        effort=Effort(draws=1, replicates=100, factors=()),
    )
    assert found.can_measure_signal
    assert found.clean.value > 0.9
